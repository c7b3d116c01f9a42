// The frame for JavaScript: the tests run in the main thread, the candidate in a worker (a separate isolate with its own
// heap and built-in objects), and they exchange only copies of values.
'use strict';
const fs = require('node:fs');
const path = require('node:path');
const vm = require('node:vm');
const { Worker, MessageChannel, receiveMessageOnPort } = require('node:worker_threads');

const order = JSON.parse(fs.readFileSync(3, 'utf8'));
fs.closeSync(3);
if (order.built) order.candidate = fs.readFileSync(order.built, 'utf8');
const line = (error) => {
  const match = /tests:(\d+)/.exec(String(error && error.stack));
  return match ? match[1] : '0';
};
const reportEnd = (ending, place, kind, message, at) => {
  const words = [order.nonce, ending, place, kind, message, at].map((word) => String(word).replace(/[\r\n]+/g, ' '));
  const report = Buffer.from(words.map((word) => word.slice(0, 500)).join('\n') + '\n');
  for (let sent = 0; sent < report.length; ) sent += fs.writeSync(4, report, sent);
  process.reallyExit(ending === 'passed' ? 0 : 1);
};

class Reported extends Error {}
const bell = new Int32Array(new SharedArrayBuffer(4));
const { port1: port, port2: theirs } = new MessageChannel();
const worker = new Worker(order.worker, {
  eval: true,
  stdin: true,
  workerData: { port: theirs, bell, source: order.candidate, names: order.names },
  transferList: [theirs],
});
worker.on('error', () => {});
const receive = () => {
  // The worker may exit without a message; its port then closes, which only the event loop would notice
  for (;;) {
    const got = receiveMessageOnPort(port);
    if (got) return got.message;
    Atomics.wait(bell, 0, 0, 20);
    Atomics.store(bell, 0, 0);
    const last = receiveMessageOnPort(port);
    if (last) return last.message;
  }
};
const request = (question) => {
  try {
    port.postMessage(question);
  } catch (error) {
    reportEnd('unsendable', 'call', 'DataCloneError', error.message, '0');
  }
  const answer = receive();
  if (!answer || typeof answer !== 'object') throw new Reported('no answer');
  if (answer.kind === 'value') return answer;
  if (answer.kind === 'exited') reportEnd('exited', answer.place, 'exit', 'the program left before its tests ended', '0');
  reportEnd('error', answer.place === 'load' ? 'load' : 'call', answer.type, answer.text, '0');
};

const proxies = {};
for (const [name, kind] of Object.entries(request({ load: true }).value)) {
  if (!order.names.includes(name)) continue;
  if (kind.call) {
    proxies[name] = (...words) => {
      const answer = request({ name, words });
      // Changes that the function made to its arguments are copied back
      answer.words.forEach((word, i) => restore(words[i], word));
      return answer.value;
    };
  } else proxies[name] = kind.value;
}
function restore(ours, theirs) {
  if (Array.isArray(ours) && Array.isArray(theirs)) ours.splice(0, ours.length, ...theirs);
  else if (ours instanceof Map && theirs instanceof Map) (ours.clear(), theirs.forEach((v, k) => ours.set(k, v)));
  else if (ours instanceof Set && theirs instanceof Set) (ours.clear(), theirs.forEach((v) => ours.add(v)));
  else if (ours && theirs && typeof ours === 'object' && Object.getPrototypeOf(ours) === Object.prototype) {
    for (const key of Object.keys(ours)) delete ours[key];
    Object.assign(ours, theirs);
  }
}

console.assert = (truth, ...words) => {
  if (!truth) throw new (require('node:assert').AssertionError)({ message: words.join(' ') || 'console.assert' });
};
const failed = (error) => {
  if (error instanceof Reported) reportEnd('error', 'call', 'Error', error.message, '0');
  const name = (error && error.name) || 'Error';
  if (name === 'AssertionError') reportEnd('failed', 'call', 'assertion', '', line(error));
  else reportEnd('failed', 'call', name, (error && error.message) || String(error), line(error));
};
try {
  const words = ['require', 'module', 'exports', ...Object.keys(proxies)];
  const run = vm.compileFunction(order.tests, words, { filename: 'tests' });
  const module = { exports: {} };
  const ended = run(require, module, module.exports, ...Object.values(proxies));
  if (ended && typeof ended.then === 'function') ended.then(() => reportEnd('passed', 'call', '', '', 0), failed);
  else {
    process.on('uncaughtException', failed);
    process.on('unhandledRejection', failed);
    // Promises of the tests come to their end first; a living worker would hold the process for ever
    process.on('beforeExit', () => reportEnd('passed', 'call', '', '', 0));
    port.unref();
    worker.unref();
  }
} catch (error) {
  failed(error);
}
