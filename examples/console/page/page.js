const [state, missed, switches, note, entries] =
	['state', 'missed', 'switches', 'note', 'entries'].map(id => document.getElementById(id));
let me, stream, timer;

// load shows what the server knows, and has the stream go on from there. Whatever goes wrong, it is called again.
// 先读取当前状态，再从那里接着接收事件。无论出什么问题，重新调用它即可。
async function load() {
	clearTimeout(timer);
	stream?.close();
	try {
		const answer = await fetch('state');
		if (!answer.ok) throw answer.status;
		const all = await answer.json();
		me = all.me;
		note.hidden = all.role !== 'owner';
		switches.replaceChildren(...all.switches.map(name => button(name, all.on[name] ?? false, all.last)));
		entries.replaceChildren();
		all.entries.forEach(show);
		tell(`${me}, ${all.role}`);
		listen(all.last);
	} catch {
		tell('The server is away');
		again();
	}
}

function listen(last) {
	const mine = stream = new EventSource('events?lastEventId=' + last);
	mine.addEventListener('entry', evt => apply(JSON.parse(evt.data)));
	// The server says what a resume lacks: then the list is loaded anew, and the reader is told.
	// 续传不完整时服务器会通知：重新加载列表，并告诉用户。
	mine.addEventListener('gap', () => {
		missed.hidden = false;
		again();
	});
	mine.onerror = () => {
		if (mine === stream && mine.readyState === EventSource.CLOSED) again();
	};
}

function again() {
	clearTimeout(timer);
	timer = setTimeout(load, 1000 + 1000 * Math.random());
}

// apply shows what an admin has done. What this admin has done comes twice, in the answer and in the stream, in either
// order, and is shown once. An entry that comes late does not change a switch that was turned again since: IDs say the order.
// 自己的操作会收到两次，一次来自请求的响应，一次来自事件流，先后不定，只显示一次。先后以编号为准，迟到的不会覆盖更新的状态。
function apply(entry) {
	if (document.getElementById(entry.id)) return;
	show(entry);
	if (entry.who !== me) document.getElementById(entry.id).className = 'others';
	const one = Array.from(switches.children).find(one => one.name === entry.switch);
	if (!one || entry.id < one.dataset.last) return;
	one.dataset.last = entry.id;
	one.setAttribute('aria-pressed', entry.on ?? false);
}

function show({ id, who, switch: name, on, note }) {
	const row = document.createElement('li');
	const author = document.createElement('b');
	author.textContent = who;
	row.append(author, name ? `${name} ${on ? 'on' : 'off'}` : note);
	row.id = id;
	entries.insertBefore(row, Array.from(entries.children).find(other => Number(other.id) < id) ?? null);
}

function button(name, on, last) {
	const one = document.createElement('button');
	one.name = one.textContent = name;
	one.dataset.last = last;
	one.setAttribute('aria-pressed', on);
	one.onclick = () => send('switches/' + name, { on: one.getAttribute('aria-pressed') !== 'true' });
	return one;
}

// send has the server do something, and shows it at once.
async function send(path, fields) {
	const answer = await fetch(path, { method: 'POST', body: new URLSearchParams(fields) });
	if (answer.ok) apply(await answer.json());
	else tell(await answer.text());
}

note.onsubmit = evt => {
	evt.preventDefault();
	send('notes', { text: note.elements.text.value });
	note.reset();
};

function tell(text) {
	state.textContent = text;
}

load();
