// @stomp/rx-stomp, which connects again by itself and then subscribes and sends again. See README.md.

import { RxStomp, RxStompState } from '@stomp/rx-stomp';
import WebSocket from 'ws';
import { counts, errors, finish, name, queue, topic, url, work } from './work.mjs';

const client = new RxStomp();
client.configure({
  webSocketFactory: () => new WebSocket(url, ['v12.stomp', 'v11.stomp', 'v10.stomp']),
  connectHeaders: { login: 'guest', passcode: 'guest', host: '/' },
  reconnectDelay: 10, heartbeatIncoming: 1000, heartbeatOutgoing: 1000,
});
client.connected$.subscribe(() => { counts.connects += 1; });
client.stompErrors$.subscribe((frame) => errors.push(`ERROR ${frame.headers.message}`));
client.webSocketErrors$.subscribe((event) => errors.push(`socket: ${event.message}`));
client.unhandledMessage$.subscribe((message) => errors.push(`stray ${message.headers.destination}`));
client.unhandledReceipts$.subscribe((frame) => errors.push(`stray receipt ${frame.headers['receipt-id']}`));

client.watch(`/topic/${name}`).subscribe((message) => topic.push(Number(message.body)));
client.watch(`/queue/${name}`, { ack: 'client-individual' }).subscribe((message) => {
  queue.push(Number(message.body));
  message.ack();
});
// Behind the library's own subscriber, which says the SUBSCRIBEs.
let working = false;
client.connectionState$.subscribe((state) => {
  if (state !== RxStompState.OPEN || working) return;
  working = true;
  let receipts = 0;
  const publish = (destination, body) => {
    const receipt = `r${(receipts += 1)}`;
    const answered = new Promise((resolve) => client.watchForReceipt(receipt, resolve));
    client.publish({ destination, body, headers: { receipt } });
    return answered;
  };
  setTimeout(() => work(publish, () => client.deactivate()), 200);
});
client.activate();
setTimeout(() => { errors.push('late'); finish(1); }, 90000);
