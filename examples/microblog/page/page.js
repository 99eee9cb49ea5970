const [state, login, home, write, posts, people, everybody] =
	['state', 'login', 'home', 'write', 'posts', 'people', 'everybody'].map(id => document.getElementById(id));
const SHOWN = 100;
let stream, timer;

// The last post that this reader has seen. A reader who comes back after a day sees which posts are newer.
// 上次看到的最后一条消息：一天之后再来，比它新的会标出来。
let seen = Number(localStorage.getItem('seen') ?? 0);

// load shows what the server knows, and has the stream go on from there. Whatever goes wrong, it is called again.
// 先读取主页，再从那里接着接收事件。无论出什么问题，重新调用它即可。
async function load() {
	clearTimeout(timer);
	try {
		const answer = await fetch('home');
		login.hidden = answer.status !== 401;
		home.hidden = !answer.ok;
		if (answer.status === 401) return tell('Who are you?');
		if (!answer.ok) throw answer.status;
		const all = await answer.json();
		posts.replaceChildren();
		all.posts.reverse().forEach(show);
		people.replaceChildren(...all.people.slice(0, SHOWN).map(row));
		tell(`${all.me}, followed by ${all.people.filter(one => one.follows).length}`);
		listen(all.last);
	} catch {
		tell('The server is away');
		again();
	}
}

function listen(last) {
	stream?.close();
	const mine = stream = new EventSource('events?lastEventId=' + last);
	mine.addEventListener('post', evt => show(JSON.parse(evt.data)));
	// The reader follows another author now, or has another follower: the topics have changed.
	// 关注关系变了，主题也就变了：重新读取，重新打开事件流。
	mine.addEventListener('people', load);
	// The page was away for too long: the server no longer has all that it missed.
	// 离开太久：错过的消息，服务器已经不全了。
	mine.addEventListener('gap', again);
	mine.onerror = () => {
		if (mine === stream && mine.readyState === EventSource.CLOSED) again();
	};
}

function again() {
	clearTimeout(timer);
	timer = setTimeout(load, 1000 + 1000 * Math.random());
}

function show({ id, author, text }) {
	const row = document.createElement('li');
	const name = document.createElement('b');
	name.textContent = author;
	row.append(name, text);
	row.classList.toggle('unseen', id > seen && seen > 0);
	posts.prepend(row);
	while (posts.children.length > SHOWN) posts.lastElementChild.remove();
	if (!document.hidden) localStorage.setItem('seen', id);
}

function row({ name, followed, follows }) {
	const row = document.createElement('li');
	const label = document.createElement('label');
	const box = document.createElement('input');
	box.type = 'checkbox';
	box.name = name;
	box.checked = followed;
	box.onchange = () => post('follow', { name, on: box.checked });
	label.append(box, ' ', name, follows ? ' follows you' : '');
	row.append(label);
	return row;
}

function tell(text) {
	state.textContent = text;
}

async function post(path, fields) {
	const answer = await fetch(path, { method: 'POST', body: new URLSearchParams(fields) });
	if (!answer.ok) tell(await answer.text() || answer.status);
	return answer.ok;
}

login.onsubmit = async evt => {
	evt.preventDefault();
	if (await post('login', { name: login.elements.name.value })) load();
};

everybody.onclick = () => post('follow', { name: '*', on: true });

write.onsubmit = async evt => {
	evt.preventDefault();
	if (await post('posts', { text: write.elements.text.value })) write.reset();
};

load();
