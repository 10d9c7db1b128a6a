// ---- The history, newest first: in IndexedDB, or in memory alone if the browser has none
const album = {
  items: [],
  database: null,
  async open() {
    try {
      const opening = indexedDB.open('unclip', 1);
      opening.onupgradeneeded = () => opening.result.createObjectStore('images', {keyPath: 'id'});
      this.database = await this.settled(opening);
      for (const item of await this.settled(this.store().getAll())) this.show(item);
    } catch (error) { this.forget(error); }
  },
  settled: call => new Promise((resolve, reject) =>
    Object.assign(call, {onsuccess: () => resolve(call.result), onerror: () => reject(call.error)})),
  store() { return this.database.transaction('images', 'readwrite').objectStore('images'); },
  change(what) { if (this.database) this.settled(what(this.store())).catch(error => this.forget(error)); },
  forget(error) {
    this.database = null;
    complain(`New images are lost when this page is closed: ${error.message}`);
  },
  add(image) {
    const item = {...image, id: Math.max(Date.now(), (this.items[0]?.id ?? 0) + 1)};
    this.change(store => store.put(item));
    this.show(item);
    while (this.items.length > kKept) this.remove(this.items.at(-1));
    return this.items[0];
  },
  show(item) {
    const url = URL.createObjectURL(item.blob);
    const caption = [kKinds[item.kind], item.seed === undefined ? '' : `seed ${item.seed}`].filter(Boolean).join(', ');
    const entry = make('li', {}, make('button', {onclick: () => openViewer(shown)}, make('img', {src: url, alt: ''}),
                                      make('span', {textContent: item.prompt}), make('small', {textContent: caption})));
    const shown = {...item, url, entry};
    $('gallery').prepend(entry);
    this.items.unshift(shown);
    this.count();
  },
  hide(item) {
    URL.revokeObjectURL(item.url);
    item.entry.remove();
    this.items.splice(this.items.indexOf(item), 1);
    this.count();
  },
  remove(item) { this.hide(item); this.change(store => store.delete(item.id)); },
  count() {
    $('empty').hidden = this.items.length > 0;
    $('clear').hidden = this.items.length === 0;
    $('results-title').textContent = this.items.length ? `Images (${this.items.length})` : 'Images';
  },
};
$('clear').onclick = () => { $('confirm').returnValue = ''; $('confirm').showModal(); };
$('confirm').onclose = () => {
  if ($('confirm').returnValue !== 'yes') return;
  for (const item of [...album.items]) album.hide(item);
  album.change(store => store.clear());
  $('results').focus();
  say('All images are deleted.');
};

