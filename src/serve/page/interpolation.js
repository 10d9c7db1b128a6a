// ---- Interpolation: frames from one end to the other, and a slider through them
const ends = ['from', 'to'].map(id => ({id, image: null, field: $(id).querySelector('input')}));
function setEnd(end, item) {
  const [image, , button] = $(end.id).children;
  end.image = item;
  Object.assign(end.field, {value: item ? nameOf(item) : '', readOnly: Boolean(item)});
  image.hidden = button.hidden = !item;
  if (item) image.src = item.url;
}
for (const [i, end] of ends.entries()) {
  $(end.id).querySelector('button').onclick = () => { setEnd(end, null); end.field.focus(); };
  $(`as-${end.id}`).onclick = () => {
    $('viewer').close();
    $('blend-more').open = true;
    setEnd(end, viewed);
    ends[1 - i].field.focus();
  };
}

$('blend').onsubmit = event => {
  event.preventDefault();
  const chosen = ends.every(end => trimmed(end.field)) && settings('interpolate');
  if (!chosen) return;
  const [from, to] = ends.map(end => end.image?.blob ?? end.field.value);
  const {n, seed = Math.floor(Math.random() * 2 ** 32), ...options} = chosen;
  const item = {kind: 'interpolate', prompt: ends.map(end => end.field.value).join(' → '), model: info.model, options,
                ends: ends.map(end => `${end.image ? 'image' : 'text'}:${end.field.value}`), frames: +$('frames').value};
  const frames = [];
  withJob(`Frames ${item.prompt}`, item.frames, async job => {
    for (; job.finished < item.frames; ++job.finished) {
      const position = job.finished / (item.frames - 1);
      for await (const image of draw(job, 'interpolate', {from, to, position, n: 1, seed, ...options}))
        frames.push({...item, ...image, position, url: URL.createObjectURL(image.blob)});
      showFilm(frames);
    }
    if ($('blend').contains(document.activeElement)) $('position').focus();
  });
};

let film = [];
function showFilm(frames) {
  if (film !== frames) film.forEach(frame => URL.revokeObjectURL(frame.url));
  film = frames;
  $('film').hidden = false;
  Object.assign($('position'), {max: film.length - 1, value: film.length - 1});
  showFrame();
}
const frameShown = () => film[+$('position').value];
function showFrame() {
  const {url, prompt, position, frames} = frameShown();
  Object.assign($('film').querySelector('img'), {src: url, alt: `${prompt}, at ${percent(position)}`});
  $('film').querySelector('figcaption').textContent = `${prompt}: frame ${+$('position').value + 1} of ${frames}`;
  $('position').setAttribute('aria-valuetext', percent(position));
}
$('position').oninput = showFrame;
$('film-keep').onclick = () => {
  const {url, ...frame} = frameShown();
  album.add(frame);
  say('The frame was added to the images.');
};
$('film-close').onclick = () => { $('film').hidden = true; $('results').focus(); };

