// The candidate's side, in its own isolate. Nothing here is secret, and all that it sends is treated as a value.
'use strict';
const { workerData, receiveMessageOnPort } = require('node:worker_threads');
const { writeSync } = require('node:fs');
const { runInThisContext } = require('node:vm');
const { format, types } = require('node:util');
const { port, bell, source, names } = workerData;
const send = port.postMessage.bind(port);
const { notify, store, wait } = Atomics;
const reply = (message) => {
  try {
    send(message);
  } catch (error) {
    // A function, a promise or the like cannot be sent
    send({ ...message, value: { unsendable: true }, words: [] });
  }
  store(bell, 0, 1);
  notify(bell, 0);
};
const write = (to) => (...words) => void writeSync(to, format(...words) + '\n');
for (const name of ['log', 'info', 'debug']) console[name] = write(1);
for (const name of ['warn', 'error', 'trace']) console[name] = write(2);
process.stdout.write = (text) => (writeSync(1, text), true);
process.stderr.write = (text) => (writeSync(2, text), true);
let place = 'load';
process.on('exit', () => reply({ kind: 'exited', place }));
const wrong = (error) => {
  const thrown = error !== null && typeof error === 'object';
  const type = thrown ? String(error.name) : typeof error;
  return { kind: 'error', place, type, text: String(thrown ? error.message : error) };
};
const seen = {};
const globals = globalThis;
globals.require = require;
globals.module = { exports: {} };
globals.exports = globals.module.exports;
const answer = (question) => {
  try {
    if (question.load) {
      const tail = names.map((name) => `try { $(${JSON.stringify(name)}, ${name}) } catch {}`).join('\n');
      globals.$harness = (name, value) => void (seen[name] = value);
      runInThisContext(`${source}\n;{ const $ = $harness; delete globalThis.$harness; ${tail} }`, { filename: 'candidate' });
      const kinds = {};
      for (const name of Object.keys(seen))
        kinds[name] = typeof seen[name] === 'function' ? { call: true } : { value: seen[name] };
      place = 'call';
      return { kind: 'value', value: kinds };
    }
    return { kind: 'value', value: seen[question.name](...question.words), words: question.words };
  } catch (error) {
    return wrong(error);
  }
};
port.on('message', (question) => {
  const made = answer(question);
  if (!types.isPromise(made.value)) return reply(made);
  made.value.then((value) => reply({ ...made, value }), (error) => reply(wrong(error)));
});
