// The checks of checks.mjs over sockjs-client in node, by one of its transports.
//
//   node sockjs.mjs URL TRANSPORT        URL: http://HOST:PORT/PATH
//
// One line a check; exit 1 after any `not ok`.

import SockJS from 'sockjs-client';
import { runChecks } from './checks.mjs';

const [url, transport] = process.argv.slice(2);
const webSocketFactory = () => new SockJS(url, null, { transports: [transport] });
const failed = await runChecks(
    transport, { webSocketFactory }, (line) => console.log(line),
    ['binary_bodies_come_back_bit_for_bit'], // SockJS carries text
);
process.exit(failed === 0 ? 0 : 1);
