// ---- The mask: strokes on a canvas as large as the image
const board = {item: null, strokes: [], stroke: null, x: 0, y: 0};
function openEditor(item) {
  Object.assign(board, {item, strokes: [], x: item.width / 2, y: item.height / 2});
  Object.assign($('mask'), {width: item.width, height: item.height});
  $('edit-image').src = item.url;
  $('edit-prompt').value = item.kind === 'file' ? '' : item.prompt;
  $('editor').showModal();
  say('');
  $('mask').focus();
  placeBrush();
}

const brushWidth = () => $('size').value / 100 * $('mask').width;
function drawStrokes(canvas, color, ground) {
  const context = canvas.getContext('2d', {alpha: canvas === $('mask')});  // a mask that is sent has no alpha channel
  Object.assign(context, {lineCap: 'round', lineJoin: 'round', strokeStyle: color, fillStyle: ground});
  context.clearRect(0, 0, canvas.width, canvas.height);
  context.fillRect(0, 0, canvas.width, canvas.height);
  for (const {width, points} of board.strokes) {
    context.lineWidth = width;
    context.beginPath();
    context.moveTo(...points[0]);
    for (const point of points) context.lineTo(...point);
    context.stroke();
  }
}

const showStrokes = () => drawStrokes($('mask'), '#ff2e74', 'transparent');
function placeBrush() {
  const {width, height} = $('mask');
  Object.assign($('brush').style, {left: `${100 * board.x / width}%`, top: `${100 * board.y / height}%`, width: `${$('size').value}%`});
  $('brush').hidden = false;
}

function moveBrush(x, y) {
  board.x = Math.min(Math.max(x, 0), $('mask').width);
  board.y = Math.min(Math.max(y, 0), $('mask').height);
  board.stroke?.points.push([board.x, board.y]);
  if (board.stroke) showStrokes();
  placeBrush();
}

function changeStrokes(strokes) {
  board.strokes = strokes;
  showStrokes();
  say(strokes.length ? `Strokes in the mask: ${strokes.length}` : 'The mask is empty.');
}
function startStroke() {
  board.stroke = {width: brushWidth(), points: [[board.x, board.y]]};
  changeStrokes([...board.strokes, board.stroke]);
}
const endStroke = () => { board.stroke = null; };

function moveTo(event) {
  const {left, top, width, height} = $('mask').getBoundingClientRect();
  moveBrush((event.clientX - left) / width * $('mask').width, (event.clientY - top) / height * $('mask').height);
}
Object.assign($('mask'), {
  onpointerdown(event) {
    if (event.button !== 0) return;
    this.setPointerCapture(event.pointerId);
    moveTo(event);
    startStroke();
  },
  onpointermove(event) {
    const between = event.getCoalescedEvents?.() ?? [];
    (between.length ? between : [event]).forEach(moveTo);
  },
  onlostpointercapture: endStroke,
  onkeydown(event) {
    const step = Math.max(1, brushWidth() / 3), arrow = kArrows[event.key];
    if (arrow) moveBrush(board.x + step * arrow[0], board.y + step * arrow[1]);
    else if (event.key === ' ') event.repeat || startStroke();
    else if (event.key === 'z' && (event.ctrlKey || event.metaKey)) $('undo').click();
    else return;
    event.preventDefault();
  },
  onkeyup: event => event.key === ' ' && endStroke(),
  onfocus: placeBrush,
  onblur() { endStroke(); $('brush').hidden = true; },
});
$('size').oninput = placeBrush;
$('undo').onclick = () => changeStrokes(board.strokes.slice(0, -1));
$('wipe').onclick = () => changeStrokes([]);

$('edit-form').onsubmit = async event => {
  event.preventDefault();
  const prompt = trimmed($('edit-prompt'));
  if (!prompt) return;
  if (!board.strokes.length) return say('Paint over the part to replace first.');
  const canvas = make('canvas', {width: board.item.width, height: board.item.height});
  drawStrokes(canvas, 'white', 'black');
  const mask = await toPng(canvas);
  $('editor').close();
  const chosen = settings('edit');
  if (chosen) drawImages('edit', chosen, {prompt, mask, source: nameOf(board.item)}, {prompt, mask, image: board.item.blob});
};

