// The player: every frame lies in one picture, so that nothing is fetched while the film runs.
// Gradio calls this once with (element, trigger, props, server, upload, watch); props.value is demo/carim_player.py's.
const SPEEDS = [0.5, 1, 2, 4];
const LONGEST_STEP_S = 0.25; // a tab that slept goes on from where it was
const player = element.querySelector(".player");
const canvas = player.querySelector("canvas");
const pen = canvas.getContext("2d");
const slider = player.querySelector("input[type=range]");
const clock = player.querySelector(".clock");
const marks = player.querySelector(".marks");
const playButton = player.querySelector("[data-do=play]");

let film = null; // what the server sent, once its picture is decoded
let picture = null;
let loading = 0; // the newest choice wins, whichever picture is decoded first
let frame = 0;
let time = 0; // seconds from the hit, finer than the frames' own
let speed = 1;
let ticking = 0; // the pending animation frame, 0 while paused
let before = 0;

function first() { return film.times[0]; }
function last() { return film.times[film.times.length - 1]; }
function seconds(value) {
  const size = Math.abs(value).toFixed(1);
  return `${size === "0.0" ? "" : value < 0 ? "−" : "+"}${size} s`;
}

function frameAt(moment) { // the last frame that is not later; its first for an earlier moment
  let low = 0, high = film.times.length - 1;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (film.times[middle] <= moment + 1e-6) low = middle; else high = middle - 1;
  }
  return low;
}

function nearest(moment) {
  const at = frameAt(moment);
  const after = Math.min(at + 1, film.times.length - 1);
  return film.times[after] - moment < moment - film.times[at] ? after : at;
}

function draw() {
  const x = (frame % film.columns) * film.width;
  const y = Math.floor(frame / film.columns) * film.height;
  pen.drawImage(picture, x, y, film.width, film.height, 0, 0, film.width, film.height);
  player.dataset.frame = frame;
  player.querySelector(".tag.hit").hidden = frame !== film.hit;
  slider.value = time;
  const words = `${seconds(time)} · frame ${frame + 1} of ${film.times.length}${film.keys[frame] ? " · key frame" : ""}`;
  slider.setAttribute("aria-valuetext", words);
  slider.style.setProperty("--at", `${place(time)}%`);
  clock.textContent = words;
}

function place(moment) { return last() > first() ? (100 * (moment - first())) / (last() - first()) : 50; }

function show(index) { // a step or a jump: time is the frame's own
  if (!film) return;
  frame = Math.max(0, Math.min(film.times.length - 1, index));
  time = film.times[frame];
  draw();
}

function tick(now) {
  time += Math.min((now - before) / 1000, LONGEST_STEP_S) * speed;
  before = now;
  if (time >= last()) {
    pause();
    show(film.times.length - 1);
    return;
  }
  frame = frameAt(time);
  draw();
  ticking = requestAnimationFrame(tick);
}

function play() {
  if (!film || film.times.length < 2) return;
  if (frame === film.times.length - 1) show(0); // at the end: again from the beginning
  before = performance.now();
  ticking = ticking || requestAnimationFrame(tick);
  state("playing", "❚❚", "pause");
}

function pause() {
  cancelAnimationFrame(ticking);
  ticking = 0;
  state(film ? "paused" : "empty", "▶", "play");
}

function state(name, sign, label) {
  player.dataset.state = name;
  playButton.textContent = sign;
  playButton.setAttribute("aria-label", label);
}

function setSpeed(value) {
  speed = value;
  player.dataset.speed = value;
  for (const button of player.querySelectorAll("[data-speed]"))
    button.setAttribute("aria-pressed", String(Number(button.dataset.speed) === value));
}

const DO = {
  play: () => (ticking ? pause() : play()),
  back: () => { pause(); show(frame - 1); },
  next: () => { pause(); show(frame + 1); },
  hit: () => { pause(); show(film ? film.hit : 0); },
};

player.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (button && button.dataset.do) DO[button.dataset.do]();
  else if (button) setSpeed(Number(button.dataset.speed));
  else if (event.target === canvas) DO.play();
});

slider.addEventListener("input", () => {
  if (!film) return;
  show(nearest(Number(slider.value)));
});

player.addEventListener("keydown", (event) => {
  if (!film || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === " " && event.target.closest("button") && event.target !== playButton) return; // presses that button
  const stepTo = (moment) => { pause(); show(nearest(moment)); };
  const keys = {
    " ": DO.play,
    ArrowLeft: () => (event.shiftKey ? stepTo(time - 1) : DO.back()),
    ArrowRight: () => (event.shiftKey ? stepTo(time + 1) : DO.next()),
    Home: () => stepTo(first()),
    End: () => stepTo(last()),
    h: DO.hit,
    H: DO.hit,
    "+": () => setSpeed(SPEEDS[Math.min(SPEEDS.indexOf(speed) + 1, SPEEDS.length - 1)]),
    "-": () => setSpeed(SPEEDS[Math.max(SPEEDS.indexOf(speed) - 1, 0)]),
  };
  if (!keys[event.key]) return;
  event.preventDefault(); // neither scrolls the page nor moves the slider by its own step
  keys[event.key]();
});

function mark() {
  marks.replaceChildren();
  const add = (kind, moment, text) => {
    const tickMark = document.createElement("i");
    tickMark.className = kind;
    tickMark.style.left = `${place(moment)}%`;
    tickMark.textContent = text;
    marks.append(tickMark);
  };
  film.keys.forEach((key, i) => key && add("key", film.times[i], ""));
  for (let s = Math.ceil(first() / 5) * 5; s <= last(); s += 5) if (s) add("label", s, `${s > 0 ? "+" : "−"}${Math.abs(s)}`);
  add("star", 0, "★");
}

function empty(note) {
  film = picture = null;
  pause();
  player.dataset.frame = -1;
  player.querySelector(".note").textContent = "";
  player.querySelector(".idle").textContent = note || "Choose a scene: its film plays here.";
  for (const tag of player.querySelectorAll(".tag")) tag.hidden = true;
  marks.replaceChildren();
  clock.textContent = "–";
  slider.disabled = true;
  pen.clearRect(0, 0, canvas.width, canvas.height);
}

async function load(value) {
  const mine = ++loading;
  if (!value || !value.sprite) {
    empty(value && value.note);
    return loaded();
  }
  const image = new Image();
  image.src = value.sprite;
  try {
    await image.decode();
  } catch {
    if (mine === loading) empty("The film's picture could not be drawn by this browser.");
    return loaded();
  }
  if (mine !== loading) return;
  pause();
  film = value;
  picture = image;
  canvas.width = film.width;
  canvas.height = film.height;
  canvas.setAttribute("aria-label", film.title);
  slider.min = first();
  slider.max = last();
  slider.disabled = film.times.length < 2;
  player.querySelector(".tag.synthetic").hidden = !film.synthetic;
  player.querySelector(".note").textContent = film.note || "";
  mark();
  state("paused", "▶", "play");
  show(film.hit);
  if (film.reveal) player.scrollIntoView({ block: "nearest", behavior: "smooth" });
  loaded();
}

function loaded() { player.dataset.loads = Number(player.dataset.loads || 0) + 1; }

setSpeed(1);
watch("value", () => load(props.value));
load(props.value);
