// The checks of checks.mjs in node, which has no WebSocket of its own.
//
//   node scenarios.mjs URL PREFIX
//
// One line a check; exit 1 after any `not ok`.

import WebSocket from 'ws';
import { runChecks } from './checks.mjs';

const [url, prefix] = process.argv.slice(2);
const webSocketFactory = () => new WebSocket(url, ['v12.stomp', 'v11.stomp', 'v10.stomp']);
const failed = await runChecks(prefix, { webSocketFactory }, (line) => console.log(line));
process.exit(failed === 0 ? 0 : 1);
