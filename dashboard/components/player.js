// Moments of training, played: the points of a figure with frames move from one to the next. Joined to plot.js.

const STEP = 900; // milliseconds from one moment to the next

// The figure's traces as they are at `state.moment`, between two frames on a straight line from one to the other.
function atMoment(state, figure) {
  const frames = figure.frames ?? [];
  state.frames = frames.map((frame) => frame.name);
  showPlayer(state);
  if (!frames.length) return;
  const at = Math.min(Math.max(state.moment ?? 0, 0), frames.length - 1);
  const [before, after] = [frames[Math.floor(at)], frames[Math.ceil(at)]];
  const share = at - Math.floor(at);
  before.traces.forEach((number, place) => {
    for (const axis of ["x", "y", "z"]) {
      const [from, to] = [before, after].map((frame) => numbers(frame.data[place][axis]));
      figure.data[number][axis] = from.map((value, row) => value + share * (to[row] - value));
    }
  });
}

// plotly's form of a float32 array in JSON, or a list.
function numbers(values) {
  if (!values?.bdata) return values;
  const bytes = Uint8Array.from(atob(values.bdata), (letter) => letter.charCodeAt(0));
  return { f4: (b) => new Float32Array(b), f8: (b) => new Float64Array(b) }[values.dtype](bytes.buffer);
}

function showPlayer(state) {
  const { root, frames, data } = state;
  const player = root.querySelector(".fluoroscope-plot-player");
  player.hidden = frames.length < 2;
  root.classList.toggle("fluoroscope-plot-played", !player.hidden);
  if (player.hidden) return pause(state);
  if (!state.player) {
    const [button, slider] = [player.querySelector("button"), player.querySelector("input")];
    state.player = { button, slider, words: player.querySelector("output") };
    button.onclick = () => (state.playing ? pause(state, true) : play(state));
    slider.oninput = () => (pause(state), move(state, Number(slider.value)));
    slider.onchange = () => tell(state);
  }
  state.player.slider.max = frames.length - 1;
  if (data.moment !== state.told) state.moment = state.told = data.moment; // the server says where to stand
  if (state.moment === undefined || state.moment > frames.length - 1) state.moment = frames.length - 1;
  const name = frames[Math.round(state.moment)];
  Object.assign(state.player.slider, { value: state.moment, ariaValueText: name });
  state.player.words.textContent = name;
}

function play(state) {
  const last = state.frames.length - 1;
  if (state.moment >= last) state.moment = 0;
  const [begun, from] = [performance.now(), state.moment];
  const jumps = matchMedia("(prefers-reduced-motion: reduce)").matches;
  sayPlaying(state, true);
  const next = () => {
    if (!state.playing || state.gone) return;
    const at = Math.min(last, from + (performance.now() - begun) / STEP);
    move(state, jumps ? Math.floor(at) : at);
    at < last ? requestAnimationFrame(next) : pause(state, true);
  };
  next();
}

function pause(state, telling = false) {
  if (!state.player || !state.playing) return;
  sayPlaying(state, false);
  move(state, Math.round(state.moment));
  if (telling) tell(state);
}

function sayPlaying(state, playing) {
  state.playing = playing;
  const { button } = state.player;
  button.textContent = playing ? "❚❚" : "▶";
  button.setAttribute("aria-label", playing ? "Pause" : "Play through training");
}

// All figures of the group stand at the same share of their trainings.
function move(state, moment) {
  const share = moment / (state.frames.length - 1);
  for (const one of [state, ...othersOf(state)]) {
    if (!one.player || !one.frames?.length) continue;
    one.moment = one === state ? moment : share * (one.frames.length - 1);
    draw(one);
  }
}

function tell(state) {
  state.moment = state.told = Math.round(state.moment);
  for (const one of othersOf(state)) if (one.player) one.moment = one.told = Math.round(one.moment);
  state.trigger("moment", state.frames[state.moment]);
}
