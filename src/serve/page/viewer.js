// ---- The viewer
let viewed = null;
function openViewer(item) {
  viewed = item;
  const facts = {kind: kKinds[item.kind], from: item.source, seed: item.seed, ...item.options, model: item.model,
                 pixels: `${item.width} × ${item.height}`, made: new Date(item.id).toLocaleString()};
  $('facts').replaceChildren(...Object.entries(facts).filter(([, value]) => value || value === 0)
    .flatMap(([key, value]) => [make('dt', {textContent: sentence(key)}), make('dd', {textContent: value})]));
  $('viewer-title').textContent = item.prompt;
  Object.assign($('viewer-image'), {src: item.url, alt: item.prompt});
  Object.assign($('download'), {href: item.url, download: nameOf(item)});
  $('download-mask').hidden = !item.mask;
  item.maskUrl ??= item.mask && URL.createObjectURL(item.mask);
  if (item.mask) Object.assign($('download-mask'), {href: item.maskUrl, download: maskNameOf(item)});
  $('reuse').hidden = ['file', 'interpolate'].includes(item.kind);
  $('command-box').hidden = item.kind === 'file';
  if (item.kind !== 'file') $('command').value = commandOf(item);
  $('viewer').showModal();
  say('');
}
$('vary').onclick = () => {
  $('viewer').close();
  const chosen = settings('variations');
  if (chosen) drawImages('variations', chosen, {prompt: viewed.prompt, source: nameOf(viewed)}, {image: viewed.blob});
};
$('edit').onclick = () => { $('viewer').close(); openEditor(viewed); };
$('reuse').onclick = () => {
  $('viewer').close();
  $('prompt').value = viewed.prompt;
  $('seed').value = viewed.seed;
  for (const field of $('knobs').querySelectorAll('input')) field.value = viewed.options[field.name] ?? '';
  $('more').open ||= Object.keys(viewed.options).length > 0;
  $('prompt').focus();
};
$('remove').onclick = () => {
  const next = viewed.entry.nextSibling ?? viewed.entry.previousSibling;
  $('viewer').close();
  album.remove(viewed);
  (next?.firstChild ?? $('results')).focus();
  say('Deleted.');
};
$('copy').onclick = async () => {
  $('command').select();  // navigator.clipboard is there only with HTTPS or on the server's own machine
  try { await navigator.clipboard.writeText($('command').value); } catch { document.execCommand('copy'); }
  say('Command copied.');
};
// A file is drawn anew when it is opened, so that the server sees it turned and sized as the page does.
$('file').onchange = async () => {
  const [file] = $('file').files;
  try {
    const image = await createImageBitmap(file);
    const share = Math.min(1, kLargest / Math.max(image.width, image.height));
    const [width, height] = [image.width, image.height].map(side => Math.max(1, Math.round(side * share)));
    const canvas = make('canvas', {width, height});
    canvas.getContext('2d').drawImage(image, 0, 0, width, height);
    openViewer(album.add({kind: 'file', prompt: file.name.replace(/\.[^.]*$/, ''), blob: await toPng(canvas), width, height}));
  } catch {
    complain(`${file.name} is not an image that this browser can read.`);
  }
  $('file').value = '';
};

