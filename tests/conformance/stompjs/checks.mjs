// What @stomp/stompjs does through the gateway while the color is switched under it: in node
// (scenarios.mjs) and in a browser (page.html). Only what both know is used here.
//
// Each check has a client of its own; a second CONNECTED or a close that nobody asked for fails it.

import { Client, ReconnectionTimeMode } from '@stomp/stompjs';

const WAIT_MS = 15_000;

function within(promise, what) {
    let timer;
    const late = new Promise((_, reject) => {
        timer = setTimeout(() => reject(new Error(`${what}: not within ${WAIT_MS} ms`)), WAIT_MS);
    });
    return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

function randomBytes(size) {
    return Uint8Array.from({ length: size }, () => Math.floor(Math.random() * 256));
}

const run = randomBytes(4).reduce((text, one) => text + one.toString(16).padStart(2, '0'), '');
let transport; // brokerURL or webSocketFactory

function require(condition, why) {
    if (!condition) throw new Error(why);
}

const open = new Set(); // ended by force when their check failed

class Session {
    constructor(options = {}) {
        open.add(this);
        this.connected = 0;
        this.closed = 0;
        this.leaving = false;
        this.errors = [];
        this.receipts = 0;
        this.client = new Client({
            ...transport,
            connectHeaders: { login: 'guest', passcode: 'guest', host: '/' },
            reconnectDelay: 100,
            reconnectTimeMode: ReconnectionTimeMode?.LINEAR,
            heartbeatIncoming: 0,
            heartbeatOutgoing: 0,
            ...options,
        });
        this.client.onWebSocketClose = (event) => {
            this.closed += 1;
            if (!this.leaving) this.errors.push(`closed with ${event.code} ${event.reason}`);
        };
        this.client.onStompError = (frame) => this.errors.push(`ERROR ${frame.headers.message}`);
        this.client.onUnhandledMessage = (m) => this.errors.push(`stray ${m.headers.subscription}`);
        this.client.onUnhandledReceipt = (f) => {
            this.errors.push(`stray receipt ${f.headers['receipt-id']}`);
        };
    }

    async open() {
        await within(new Promise((resolve) => {
            this.client.onConnect = (frame) => {
                this.connected += 1;
                this.frame = frame;
                resolve();
            };
            this.client.activate();
        }), 'CONNECTED');
        return this;
    }

    // Resolves when the RECEIPT came.
    confirmed(act) {
        const name = `r${(this.receipts += 1)}`;
        const answered = new Promise((resolve) => this.client.watchForReceipt(name, resolve));
        act(name);
        return within(answered, `the RECEIPT ${name}`);
    }

    async subscribe(destination, heard, headers = {}) {
        let subscription;
        await this.confirmed((receipt) => {
            subscription = this.client.subscribe(destination, heard, { ...headers, receipt });
        });
        return subscription;
    }

    publish(destination, body, headers = {}) {
        return this.confirmed((receipt) => {
            this.client.publish({ destination, body, headers: { ...headers, receipt } });
        });
    }

    async leave() {
        this.leaving = true;
        const left = new Promise((resolve) => { this.client.onDisconnect = resolve; });
        const deactivated = this.client.deactivate();
        await within(left, 'the RECEIPT of DISCONNECT');
        await within(deactivated, 'the close');
        open.delete(this);
        require(this.errors.length === 0, this.errors.join(', '));
        require(this.connected === 1, `connected ${this.connected} times`);
        require(this.closed === 1, `closed ${this.closed} times`);
    }
}

// Collects numbers until `count` different ones came.
function numbers(count, acknowledge = () => {}) {
    const all = [];
    const redelivered = new Set();
    let done;
    const complete = new Promise((resolve) => { done = resolve; });
    const heard = (message) => {
        const number = Number(message.body);
        all.push(number);
        if (message.headers.redelivered === 'true') redelivered.add(number);
        acknowledge(message, all.length);
        if (new Set(all).size === count) done();
    };
    const missing = () => {
        const seen = new Set(all);
        return [...Array(count).keys()].filter((n) => !seen.has(n));
    };
    return {
        heard,
        async check(ordered) {
            await within(complete, 'all messages').catch(() => {
                throw new Error(`lost ${missing().length} of ${count}: ${missing().slice(0, 10)}`);
            });
            const once = all.filter((n) => !redelivered.has(n));
            require(new Set(once).size === once.length, 'doubled');
            if (ordered) require(once.every((n, at) => at === 0 || n > once[at - 1]), 'reordered');
        },
    };
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// `count` messages over some switches (300 ms each), each with its RECEIPT.
async function stream(session, destination, count) {
    const receipts = [];
    for (let n = 0; n < count; n += 1) {
        receipts.push(session.publish(destination, String(n)));
        if (n % 10 === 9) await pause(40);
    }
    await Promise.all(receipts);
}

const checks = {
    async connects_with_the_highest_version() {
        const session = await new Session().open();
        require(session.client.connectedVersion === '1.2', session.client.connectedVersion);
        await session.leave();
    },

    async topic_loses_doubles_reorders_nothing() {
        const reader = await new Session().open();
        const writer = await new Session().open();
        const destination = `/topic/js.${run}.a`;
        const expected = numbers(500);
        await reader.subscribe(destination, expected.heard);
        await stream(writer, destination, 500);
        await expected.check(true);
        await Promise.all([reader.leave(), writer.leave()]);
    },

    async unsubscribe_ends_the_stream() {
        const session = await new Session().open();
        const destination = `/topic/js.${run}.u`;
        let heard = 0;
        const subscription = await session.subscribe(destination, () => { heard += 1; });
        await session.confirmed((receipt) => subscription.unsubscribe({ receipt }));
        const before = heard;
        await session.publish(destination, 'x');
        await pause(300);
        require(heard === before, 'a MESSAGE after UNSUBSCRIBE');
        await session.leave();
    },

    async transactions_commit_whole_and_abort_whole() {
        const session = await new Session().open();
        const destination = `/topic/js.${run}.t`;
        const expected = numbers(40);
        let strange = 0;
        await session.subscribe(destination, (message) => {
            if (message.body === 'aborted') strange += 1;
            else expected.heard(message);
        });
        for (let group = 0; group < 8; group += 1) {
            const kept = session.client.begin();
            const dropped = session.client.begin();
            for (let n = 0; n < 5; n += 1) {
                const headers = { transaction: kept.id };
                session.client.publish({ destination, body: String(group * 5 + n), headers });
                session.client.publish({
                    destination, body: 'aborted', headers: { transaction: dropped.id },
                });
                await pause(20);
            }
            dropped.abort();
            kept.commit();
        }
        await expected.check(true);
        require(strange === 0, `${strange} messages of aborted transactions`);
        await session.leave();
    },

    queue_auto: () => queue('auto', () => {}),
    queue_client: () => queue('client', (message, count) => {
        if (count % 5 === 0) message.ack();
    }),
    queue_client_individual: () => queue('client-individual', (message) => message.ack()),

    async heart_beats_keep_an_idle_session() {
        // The library closes by itself after two intervals without a beat.
        const session = await new Session({
            heartbeatIncoming: 1000, heartbeatOutgoing: 1000,
        }).open();
        require(session.frame.headers['heart-beat'] !== '0,0', 'no heart-beats were granted');
        await pause(4500);
        await session.leave();
    },

    async a_mebibyte_in_split_frames() {
        const session = await new Session({ splitLargeFrames: true }).open();
        const destination = `/topic/js.${run}.l`;
        const sent = Array.from({ length: 4 }, (_, n) => String(n).repeat(1 << 20));
        const got = [];
        await session.subscribe(destination, (message) => got.push(message.body));
        for (const body of sent) await session.publish(destination, body);
        await within((async () => { while (got.length < 4) await pause(20); })(), '4 messages');
        require(got.every((body, n) => body === sent[n]), 'a body differs');
        await session.leave();
    },

    async binary_bodies_come_back_bit_for_bit() {
        const session = await new Session().open();
        const destination = `/topic/js.${run}.b`;
        const sent = [0, 1, 125, 65_536, 1 << 20].map((size) => randomBytes(size));
        sent.push(Uint8Array.from({ length: 256 }, (_, n) => n), new Uint8Array(300));
        const got = [];
        await session.subscribe(destination, (message) => got.push(message.binaryBody));
        for (const binaryBody of sent) {
            await session.confirmed((receipt) => session.client.publish({
                destination, binaryBody,
                headers: { receipt, 'content-type': 'application/octet-stream' },
            }));
        }
        const all = async () => { while (got.length < sent.length) await pause(20); };
        await within(all(), `${sent.length} messages`);
        sent.forEach((body, n) => {
            const same = got[n].length === body.length && body.every((one, at) => one === got[n][at]);
            require(same, `body ${n} differs`);
        });
        await session.leave();
    },
};

async function queue(ack, acknowledge) {
    const reader = await new Session().open();
    const writer = await new Session().open();
    const destination = `/queue/js.${run}.${ack}`;
    const expected = numbers(200, acknowledge);
    await reader.subscribe(destination, expected.heard, { ack });
    await stream(writer, destination, 200);
    // Order of stored messages over a switch is promised under `queue_order: strict` only.
    await expected.check(false);
    await Promise.all([reader.leave(), writer.leave()]);
}

// Says one line a check: `ok NAME` or `not ok NAME: why`; how many failed.
export async function runChecks(prefix, reachedBy, say, leftOut = []) {
    transport = reachedBy;
    let failed = 0;
    for (const [name, check] of Object.entries(checks)) {
        if (leftOut.includes(name)) continue;
        try {
            await check();
            say(`ok ${prefix}_${name}`);
        } catch (error) {
            failed += 1;
            say(`not ok ${prefix}_${name}: ${error.message}`);
        }
        for (const session of open) session.client.deactivate({ force: true });
        open.clear();
    }
    return failed;
}
