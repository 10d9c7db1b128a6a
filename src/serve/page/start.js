// ---- The start
$('create').onsubmit = event => {
  event.preventDefault();
  const prompt = trimmed($('prompt')), chosen = prompt && settings('generate');
  if (chosen) drawImages('generate', chosen, {prompt}, {prompt});
};
for (const field of [$('prompt'), $('edit-prompt')]) field.onkeydown = event => {
  if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  field.form.requestSubmit();
};
for (const button of document.querySelectorAll('[data-close]')) button.onclick = () => button.closest('dialog').close();
async function start() {
  await album.open();
  try { info = await (await request('ui/info')).json(); } catch { return complain('The server cannot be reached. Is it running?'); }
  $('model').textContent = info.model;
  $('n').max = info.max_images;
  addKnobs();
  for (const node of document.querySelectorAll('[data-task]')) node.hidden = !(node.dataset.task in info.tasks);
}
start();
