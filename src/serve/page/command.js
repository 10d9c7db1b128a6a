// ---- Names and commands
function nameOf({prompt, seed}) {
  const slug = prompt.toLowerCase().replace(/[^a-z0-9]+/g, '-').replace(/^-/, '').slice(0, 60).replace(/-$/, '');
  return [slug || 'image', ...(seed === undefined ? [] : [seed])].join('-') + '.png';
}
const maskNameOf = item => nameOf(item).replace(/png$/, 'mask.png');
const quote = text => /^[\w.,:=@%+/-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;

// The shell command that makes the image again. Files in it have the names under which they are downloaded.
function commandOf(item) {
  const texts = {generate: [item.prompt], variations: [item.source], edit: [item.source, item.prompt], interpolate: item.ends}[item.kind];
  const model = item.model?.includes('/') && item.model;  // ORG/NAME; a folder's path stays with the server
  const flags = {model, mask: item.mask && maskNameOf(item), frames: item.frames, seed: item.seed, ...item.options};
  const words = Object.entries(flags).filter(([, value]) => value || value === 0)
    .flatMap(([key, value]) => [`--${key.replaceAll('_', '-')}`, quote(`${value}`)]);
  const dashed = texts.some(text => text.startsWith('-'));
  return ['unclip', item.kind, ...(dashed ? [...words, '--'] : []), ...texts.map(quote), ...(dashed ? [] : words)].join(' ');
}

