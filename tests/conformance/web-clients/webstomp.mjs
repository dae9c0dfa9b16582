// webstomp-client, which has no reconnecting: whatever ends its socket is an error. See README.md.

import WebSocket from 'ws';
import webstomp from 'webstomp-client';
import { counts, errors, finish, name, queue, topic, url, work } from './work.mjs';

const socket = new WebSocket(url, webstomp.VERSIONS.supportedProtocols());
const client = webstomp.over(socket, { debug: false, heartbeat: { outgoing: 1000, incoming: 1000 } });
const waiting = new Map();
client.onreceipt = (frame) => {
  const id = frame.headers['receipt-id'];
  if (!waiting.has(id)) errors.push(`stray receipt ${id}`);
  else waiting.get(id)();
  waiting.delete(id);
};
client.onreceive = (frame) => errors.push(`stray ${frame.headers.destination}`);

function connected() {
  counts.connects += 1;
  client.subscribe(`/topic/${name}`, (message) => topic.push(Number(message.body)));
  client.subscribe(`/queue/${name}`, (message) => {
    queue.push(Number(message.body));
    message.ack();
  }, { ack: 'client-individual' });
  let receipts = 0;
  const publish = (destination, body) => new Promise((resolve) => {
    const receipt = `r${(receipts += 1)}`;
    waiting.set(receipt, resolve);
    client.send(destination, body, { receipt });
  });
  setTimeout(() => work(publish, () => client.disconnect()), 200);
}

client.connect({ login: 'guest', passcode: 'guest', host: '/' }, connected, (trouble) => {
  errors.push(`${trouble.command ?? 'closed'} ${trouble.headers?.message ?? trouble.code}`);
  finish(1);
});
