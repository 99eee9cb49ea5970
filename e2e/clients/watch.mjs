// Watches an event stream in Node.js or Deno, and prints each event that it gets, an empty one
// too, as a line of JSON: node watch.mjs CLIENT URL
const [client, url] = process.argv.slice(2);
const print = (id, name, data) => console.log(JSON.stringify({ id, name, data }));

// Whatever EventSource it is: the events without a name, and those with the name that the tests use.
function watch(EventSource) {
    const source = new EventSource(url);
    for (const name of ['message', 'named', 'gap']) {
        source.addEventListener(name, (event) => print(event.lastEventId, event.type, event.data));
    }
}

// Node's clients do not keep a process alive while they wait to reconnect: it would end with the stream.
setInterval(() => {}, 1 << 30);

switch (client) {
    case 'built-in':
        watch(globalThis.EventSource);
        break;
    case 'eventsource':
        watch((await import('eventsource')).EventSource);
        break;
    case 'fetch-event-source': {
        const { fetchEventSource } = await import('@microsoft/fetch-event-source');
        // It is made for browsers only.
        globalThis.window = globalThis;
        globalThis.document = new EventTarget();
        fetchEventSource(url, {
            openWhenHidden: true,
            onmessage: (event) => print(event.id, event.event, event.data),
            // A stream that ends, however it ends, is over for it unless this throws.
            onclose: () => { throw new Error('the stream ended'); },
        });
        break;
    }
    default:
        throw new Error(`unknown client: ${client}`);
}
