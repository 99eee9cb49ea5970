// New rows are followed only while the reader is at the end.

const LEAVE = 500; // ms in which a reader who scrolls up leaves the end, and nothing is followed

const latest = document.querySelector('.latest');
let following = true;
let leaving = 0; // until when a reader may be on the way up, by performance.now

export function follow() {
	if (following && performance.now() > leaving) scrollTo(0, document.documentElement.scrollHeight);
}

addEventListener('scroll', () => {
	// 2 pixels, since positions may be fractions. More would bring back a reader who is about to leave the end.
	following = scrollY + innerHeight >= document.documentElement.scrollHeight - 2;
	latest.hidden = following;
});
addEventListener('resize', follow);
latest.onclick = () => {
	following = true;
	leaving = 0;
	follow();
};

// leave lets a reader scroll up. follow would stop the browser's own smooth scrolling, which with many events a second
// would never get anywhere.
function leave() {
	leaving = performance.now() + LEAVE;
}

let touched; // where the finger last was
addEventListener('wheel', evt => {
	if (evt.deltaY < 0) leave();
}, { passive: true });
addEventListener('touchstart', evt => touched = evt.touches[0].clientY, { passive: true });
addEventListener('touchmove', evt => {
	if (evt.touches[0].clientY > touched) leave();
	touched = evt.touches[0].clientY;
}, { passive: true });
addEventListener('keydown', evt => {
	if (['ArrowUp', 'PageUp', 'Home'].includes(evt.key)) leave();
});

// holdStill returns a function to be called after rows at the top have gone: it scrolls so that the rows which the reader
// sees stay in their place. All browsers but WebKit do that by themselves (overflow-anchor).
export function holdStill(rows) {
	if (following || 'overflowAnchor' in document.documentElement.style) return () => {};
	const row = [...rows].find(row => row.getBoundingClientRect().top >= 0);
	const before = row?.getBoundingClientRect().top;
	return () => {
		if (row?.isConnected) scrollBy(0, row.getBoundingClientRect().top - before);
	};
}
