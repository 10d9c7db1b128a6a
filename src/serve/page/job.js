// ---- Jobs: a card with stage, bar and time while the server works
class Job {
  cancel = new AbortController();
  start = performance.now();
  stage = 'Waiting';
  finished = 0;  // images of earlier requests
  constructor(title, images) {
    Object.assign(this, {title, images});
    this.bar = make('progress', {ariaLabel: 'Progress of the stage'});
    this.text = make('p', {className: 'quiet'});
    this.button = make('button', {textContent: 'Cancel', ariaLabel: `Cancel: ${title}`, onclick: () => this.cancel.abort()});
    this.card = make('div', {className: 'card job'}, make('p', {textContent: title}), this.button, this.bar, this.text);
    $('jobs').append(this.card);
    this.card.scrollIntoView({block: 'nearest'});
    this.clock = setInterval(() => this.show(), 200);
    this.show();
    say(`Started: ${title}`);
  }
  progress({stage, done, steps, images}) {
    if (this.stage !== sentence(stage)) say(this.stage = sentence(stage));
    Object.assign(this.bar, {max: steps, value: done});
    this.detail = `step ${done} of ${steps}` + (this.images > 1 ? ` · ${this.finished + images} of ${this.images} images` : '');
    this.show();
  }
  preview(blob) {
    if (!this.image) this.card.prepend(this.image = make('img', {className: 'preview', alt: `Preview: ${this.title}`}));
    URL.revokeObjectURL(this.image.src);
    this.image.src = URL.createObjectURL(blob);
  }
  seconds() { return ((performance.now() - this.start) / 1000).toFixed(1); }
  show() { this.text.textContent = [this.stage, this.detail, `${this.seconds()} s`].filter(Boolean).join(' · '); }
  fail(message) {
    this.bar.remove();
    Object.assign(this.text, {className: 'error', textContent: message});
    Object.assign(this.button, {textContent: 'Dismiss', ariaLabel: `Dismiss: ${this.title}`});
    this.button.onclick = () => this.leave();
    say(`Failed: ${message}`);
  }
  leave(text = '') {
    if (this.card.contains(document.activeElement)) $('results').focus();
    if (this.image) URL.revokeObjectURL(this.image.src);
    this.card.remove();
    say(text);
  }
}

async function withJob(title, images, work) {
  const job = new Job(title, images);
  try {
    await work(job);
    job.leave(`Done in ${job.seconds()} seconds: ${title}`);
  } catch (error) {
    if (job.cancel.signal.aborted) job.leave(`Canceled: ${title}`);
    else job.fail(error instanceof TypeError ? 'The server cannot be reached.' : error.message);
  } finally {
    clearInterval(job.clock);
  }
}

// Adds images of a task to the history. `chosen`: the settings; `item`: what the history keeps of the request.
function drawImages(task, chosen, item, fields) {
  const {n, seed, ...options} = chosen;
  withJob(sentence(`${kKinds[task]} ${item.prompt}`.trim()), n, async job => {
    for await (const image of draw(job, task, {...fields, ...chosen}))
      album.add({...item, ...image, kind: task, options, model: info.model});
  });
}

