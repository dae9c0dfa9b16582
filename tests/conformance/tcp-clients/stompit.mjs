// node-stompit with its failover. See README.md.

import stompit from 'stompit';

const [host, port, name] = process.argv.slice(2);
const topic = [], queue = [], errors = [];
let sent = 0, confirmed = 0, connects = 0, stdin_ended = false, over = false;
process.stdin.on('end', () => { stdin_ended = true; }).resume();

const failover = new stompit.ConnectFailover([{
  host, port: Number(port),
  connectHeaders: { host: '/', login: 'guest', passcode: 'guest', 'heart-beat': '1000,1000' },
}], { initialReconnectDelay: 10, maxReconnects: 50 });
failover.on('connecting', () => { connects += 1; });
failover.on('error', (error) => errors.push(`failover: ${error.message}`));

function finish(status) {
  if (over) return;
  over = true;
  console.log(JSON.stringify({ sent, confirmed, topic, queue, reconnects: connects - 1, errors }));
  process.exit(status);
}

failover.connect((error, client, reconnect) => {
  if (error) {
    errors.push(`connect: ${error.message}`);
    finish(1);
    return;
  }
  client.on('error', (trouble) => {
    if (over) return;
    errors.push(`client: ${trouble.message}`);
    reconnect();
  });
  const subscribe = (destination, ack, into) => client.subscribe({ destination, ack }, (failed, message) => {
    if (failed) {
      errors.push(`subscription: ${failed.message}`);
      return;
    }
    message.readString('utf-8', (unread, body) => {
      if (unread) {
        errors.push(`message: ${unread.message}`);
        return;
      }
      into.push(Number(body));
      if (ack !== 'auto') client.ack(message);
    });
  });
  subscribe(`/topic/${name}`, 'auto', topic);
  subscribe(`/queue/${name}`, 'client-individual', queue);

  const next = () => {
    if (stdin_ended) {
      const deadline = Date.now() + 20000;
      const wait = () => {
        if (topic.length + queue.length < sent && Date.now() < deadline) setTimeout(wait, 20);
        else client.disconnect((failed) => {
          if (failed) errors.push(`disconnect: ${failed.message}`);
          finish(0);
        });
      };
      wait();
      return;
    }
    sent += 1;
    const frame = client.send(
      { destination: sent % 2 ? `/topic/${name}` : `/queue/${name}`, 'content-type': 'text/plain' },
      { onReceipt: () => { confirmed += 1; setTimeout(next, 5); } });
    frame.end(String(sent));
  };
  setTimeout(next, 200);
});
