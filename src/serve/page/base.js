'use strict';
const kKept = 100;      // images in the history; the oldest go first
const kLargest = 1024;  // pixels a side: a larger image is reduced when it is opened
const kKinds = {generate: '', variations: 'variation', edit: 'edit', interpolate: 'frame', file: 'opened file'};
const kArrows = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1]};
let info = {tasks: {}};  // the server's answer to ui/info
const $ = id => document.getElementById(id);
function make(tag, properties = {}, ...children) {
  const node = Object.assign(document.createElement(tag), properties);
  node.append(...children);
  return node;
}
const sentence = key => key[0].toUpperCase() + key.slice(1).replaceAll('_', ' ');
const percent = share => `${Math.round(100 * share)} percent`;
const toPng = canvas => new Promise(resolve => canvas.toBlob(resolve));

// For screen readers; an open dialog shows it, too, because nothing outside of it is read.
const say = text => { (document.querySelector('dialog[open] [role=status]') ?? $('live')).textContent = text; };
const complain = text => Object.assign($('trouble'), {hidden: false, textContent: text});

