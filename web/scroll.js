// New rows are followed only while the reader is at the end.

const LEAVE = 500; // ms that a reader who scrolls up has to leave the end

const latest = document.querySelector('.latest');
let following = true;
let leaving = 0; // until when a reader may be on the way up, by performance.now

export function follow() {
	if (following && performance.now() > leaving) scrollTo(0, document.documentElement.scrollHeight);
}

addEventListener('scroll', () => {
	// Positions may be fractions. More room than that would hold on to a reader who is about to leave.
	following = scrollY + innerHeight >= document.documentElement.scrollHeight - 2;
	latest.hidden = following;
});
addEventListener('resize', follow);
latest.onclick = () => {
	following = true;
	leaving = 0;
	follow();
};

// To follow ends the browser's own scrolling. With many events a second it would never get anywhere.
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

// holdStill returns a function that puts what a reader sees of the rows back in its place after rows above it have
// gone. Other browsers than WebKit do that by themselves.
export function holdStill(rows) {
	if (following || 'overflowAnchor' in document.documentElement.style) return () => {};
	const row = [...rows].find(row => row.getBoundingClientRect().top >= 0);
	const before = row?.getBoundingClientRect().top;
	return () => {
		if (row?.isConnected) scrollBy(0, row.getBoundingClientRect().top - before);
	};
}
