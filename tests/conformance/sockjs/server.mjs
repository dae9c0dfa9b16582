// The services that SockJS protocol suites expect, by SockJS's own server.
//
//   node server.mjs PORT

import http from 'node:http';
import sockjs from 'sockjs';

const shared = { response_limit: 4096, log: () => {} };
const echo = (connection) => connection.on('data', (text) => connection.write(text));
const close = (connection) => connection.close(3000, 'Go away!');
const services = [
    ['/echo', echo, {}],
    ['/close', close, {}],
    ['/disabled_websocket_echo', echo, { websocket: false }],
    ['/cookie_needed_echo', echo, { jsessionid: true }],
];

const server = http.createServer((_, answer) => {
    answer.statusCode = 404;
    answer.end();
});
for (const [prefix, service, options] of services) {
    const one = sockjs.createServer({ ...shared, ...options });
    one.on('connection', service);
    one.installHandlers(server, { prefix });
}
server.listen(Number(process.argv[2]), '127.0.0.1', () => console.log('listening'));
