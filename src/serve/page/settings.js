// ---- Settings
function addKnobs() {
  const addKnob = (name, properties) =>
    $('knobs').append(make('label', {}, `${sentence(name)} `, make('input', {name, placeholder: 'model’s own', ...properties})));
  const options = Object.assign({}, ...Object.values(info.tasks).map(task => task.options));
  for (const [key, {type, minimum = '', maximum = '', description}] of Object.entries(options))
    if (/_(steps|guidance)$/.test(key))
      addKnob(key, {type: 'number', step: type === 'integer' ? 1 : 'any', min: minimum, max: maximum, title: description});
  if (info.size === 'any') addKnob('size', {pattern: '\\d+x\\d+', title: 'Width x height, such as 768x512'});
}

// What the task takes of the fields, or null if one is wrong: the browser then points at it.
function settings(task) {
  const taken = {n: 1, size: 1, ...info.tasks[task].options};
  const fields = [...$('settings').querySelectorAll('input')].filter(field => field.name in taken);
  const wrong = fields.find(field => !field.checkValidity());
  if (wrong) {
    $('more').open ||= $('more').contains(wrong);
    return wrong.reportValidity() || null;
  }
  return Object.fromEntries(fields.filter(field => field.value !== '').map(({name, type, value}) => [name, type === 'number' ? +value : value]));
}
function trimmed(field) {
  field.value = field.value.trim();
  return field.reportValidity() && field.value;
}

