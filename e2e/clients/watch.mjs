// Watches an event stream with a client from npm, and prints each event that it gets, an
// empty one too, as a line of JSON: node watch.mjs CLIENT URL
import { EventSource } from 'eventsource';
import { fetchEventSource } from '@microsoft/fetch-event-source';

const [client, url] = process.argv.slice(2);
const print = (id, data) => console.log(JSON.stringify({ id, data }));

switch (client) {
    case 'eventsource':
        new EventSource(url).onmessage = (event) => print(event.lastEventId, event.data);
        break;
    case 'fetch-event-source':
        // It is made for browsers only.
        globalThis.window = globalThis;
        globalThis.document = new EventTarget();
        fetchEventSource(url, {
            openWhenHidden: true,
            onmessage: (event) => print(event.id, event.data),
            // A stream that ends, however it ends, is over for it unless this throws.
            onclose: () => { throw new Error('the stream ended'); },
        });
        break;
    default:
        throw new Error(`unknown client: ${client}`);
}
