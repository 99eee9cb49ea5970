const [state, login, mailbox, mails, send, logout] =
	['state', 'login', 'mailbox', 'mails', 'send', 'logout'].map(id => document.getElementById(id));
let stream; // of the user who is logged in
let timer;

// load shows what the server knows, and has the stream go on from there. Whatever goes wrong, it is called again.
// 先读取信箱，再从那里接着接收事件。无论出什么问题，重新调用它即可。
async function load() {
	clearTimeout(timer);
	stream?.close();
	try {
		const answer = await fetch('box');
		login.hidden = answer.status !== 401;
		mailbox.hidden = !answer.ok;
		if (answer.status === 401) return tell('Log in');
		if (!answer.ok) throw answer.status;
		const box = await answer.json();
		mails.replaceChildren();
		box.mails.forEach(add);
		tell('Mail of ' + box.user);
		listen(box.last);
	} catch {
		tell('The server is away');
		again();
	}
}

function listen(last) {
	const mine = stream = new EventSource('events?lastEventId=' + last);
	mine.addEventListener('mail', evt => add(JSON.parse(evt.data)));
	// The server no longer has all that this page missed. It may say so to all pages at once, so each waits for a moment.
	// 这个页面错过的事件，服务器已经不全了。所有页面可能同时收到通知，所以各自稍等片刻再读取。
	mine.addEventListener('gap', again);
	// The browser reconnects by itself, unless the answer is not 200: the session has ended, or a proxy says 502.
	// 浏览器会自己重连；只有状态码不是 200 时才放弃，比如会话已经结束，或者代理返回 502。
	mine.onerror = () => {
		if (mine === stream && mine.readyState === EventSource.CLOSED) again();
	};
}

function again() {
	clearTimeout(timer);
	timer = setTimeout(load, 1000 + 1000 * Math.random());
}

// add shows a mail. Text is text: textContent, never innerHTML.
// 文本就是文本：用 textContent，绝不用 innerHTML。
function add({ id, from, subject }) {
	const row = document.createElement('li');
	const sender = document.createElement('b');
	sender.textContent = from;
	row.append(sender, subject);
	row.dataset.id = id;
	mails.prepend(row);
}

function tell(text) {
	state.textContent = text;
}

const post = (path, form) => fetch(path, { method: 'POST', body: new URLSearchParams(form && new FormData(form)) });

login.onsubmit = async evt => {
	evt.preventDefault();
	const answer = await post('login', login);
	if (!answer.ok) return tell(await answer.text());
	login.reset();
	load();
};

send.onsubmit = async evt => {
	evt.preventDefault();
	const answer = await post('send', send);
	if (answer.status === 401) return load();
	if (!answer.ok) return tell(await answer.text());
	send.subject.value = '';
};

logout.onclick = async () => {
	await post('logout');
	load();
};

load();
