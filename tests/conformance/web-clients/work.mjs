// What each program of this folder does with its library. See README.md.

export const [host, port, name] = process.argv.slice(2);
export const url = `ws://${host}:${port}/ws`;
export const topic = [], queue = [], errors = [];
export const counts = { connects: 0 };

let sent = 0, confirmed = 0, stdin_ended = false, over = false;
process.stdin.on('end', () => { stdin_ended = true; }).resume();

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export function finish(status) {
  if (over) return;
  over = true;
  console.log(JSON.stringify({ sent, confirmed, topic, queue, reconnects: counts.connects - 1, errors }));
  process.exit(status);
}

// `publish(destination, body)` resolves with its RECEIPT, `leave()` when the client has left.
export async function work(publish, leave) {
  while (!stdin_ended) {
    sent += 1;
    await publish(sent % 2 ? `/topic/${name}` : `/queue/${name}`, String(sent));
    confirmed += 1;
    await pause(5);
  }
  const deadline = Date.now() + 20000;
  while (topic.length + queue.length < sent && Date.now() < deadline) await pause(20);
  await leave();
  finish(0);
}
