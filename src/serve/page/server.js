// ---- The server
async function request(path, options = {}) {
  for (;;) {
    const key = sessionStorage.getItem('key');
    const answer = await fetch(path, {...options, headers: {...options.headers, ...(key && {Authorization: `Bearer ${key}`})}});
    if (answer.ok) return answer;
    const wait = answer.headers.get('Retry-After');
    const {error} = await answer.json().catch(() => ({}));
    const message = (error?.message ?? `The server answered ${answer.status}.`) + (wait ? ` Try again in ${wait} s.` : '');
    if (answer.status !== 401) throw new Error(message);
    await askKey(key ? message : '');
  }
}
let asking = null;  // several requests may wait for one answer
function askKey(message) {
  return asking ??= new Promise((resolve, reject) => {
    const dialog = $('ask-key');
    $('key-trouble').textContent = message;
    $('key').value = dialog.returnValue = '';
    dialog.onclose = () => {
      asking = null;
      if (dialog.returnValue !== 'use') return reject(new Error('The server needs an API key.'));
      sessionStorage.setItem('key', $('key').value.trim());
      resolve();
    };
    dialog.showModal();
  });
}

// Server-sent events in the body of an answer. (EventSource cannot POST.)
async function* events(answer) {
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  for (let text = '';;) {
    const {value, done} = await reader.read();
    if (done) return;
    const blocks = (text += value).split('\n\n');
    text = blocks.pop();
    for (const block of blocks) {
      const [, name, data] = /^event: (.*)\ndata: (.*)/m.exec(block) ?? [];
      if (name) yield {name, data: JSON.parse(data)};
    }
  }
}

// Sends one request of a job and yields its images.
async function* draw(job, task, fields) {
  const json = task === 'generate', form = new FormData();
  for (const [key, value] of Object.entries(fields)) form.append(key, value);
  const call = {method: 'POST', signal: job.cancel.signal, body: json ? JSON.stringify(fields) : form,
                headers: json ? {'Content-Type': 'application/json'} : {}};
  for await (const {name, data} of events(await request(info.tasks[task].path, call))) {
    if (name === 'done') return;
    if (name === 'error') throw new Error(data.message);
    if (name === 'queued') job.detail = data.ahead ? `${data.ahead} ahead in the queue` : '';
    if (name === 'progress') job.progress(data);
    if (name === 'preview') job.preview(png(data));
    if (name === 'image') yield {blob: png(data), seed: data.seed, width: data.width, height: data.height};
  }
  throw new Error('The connection to the server was lost.');
}

function png({b64_json}) {
  return new Blob([Uint8Array.from(atob(b64_json), letter => letter.charCodeAt(0))], {type: 'image/png'});
}

