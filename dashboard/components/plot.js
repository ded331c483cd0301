// Draws one figure with plotly.js and keeps its node, camera and zoom while the data behind it change.
// Streamlit calls the default export at the mount and again whenever `data` changed.

const STATES = new WeakMap(); // the component's parent element -> its state
const SOLID = new Set(["scatter3d", "surface", "mesh3d", "cone", "streamtube", "volume", "isosurface"]);
const CLICK_SLOP = 6; // CSS pixels a pointer may move and still click instead of turning the scene

export default function ({ data, parentElement, setTriggerValue }) {
  const state = STATES.get(parentElement) ?? mount(parentElement);
  state.data = data;
  state.trigger = setTriggerValue;
  draw(state);
  // Streamlit also runs the cleanup of a call that a newer one overtook: only a node that left the page is taken down.
  return () => setTimeout(() => parentElement.isConnected || unmount(parentElement), 0);
}

function mount(parentElement) {
  const root = parentElement.querySelector(".fluoroscope-plot");
  const state = {
    root,
    canvas: root.querySelector(".fluoroscope-plot-canvas"),
    note: root.querySelector(".fluoroscope-plot-note"),
    press: null, // where the pointer went down, until it comes up
    candidate: null, // the point under the pressed pointer
    sent: false, // whether this press has been reported
    following: 0, // relayouts under way that another figure of the group asked for
  };
  state.observer = new ResizeObserver(() => resize(state));
  state.observer.observe(root);
  state.down = (event) => Object.assign(state, { press: event, candidate: null, sent: false });
  state.up = (event) => release(state, event);
  root.addEventListener("pointerdown", state.down, true);
  root.addEventListener("keydown", (event) => pressed(state, event));
  root.addEventListener("wheel", () => settle(state), { capture: true, passive: true });
  window.addEventListener("pointerup", state.up, true);
  STATES.set(parentElement, state);
  return state;
}

function unmount(parentElement) {
  const state = STATES.get(parentElement);
  if (!state) return;
  STATES.delete(parentElement);
  state.gone = true;
  state.observer.disconnect();
  window.removeEventListener("pointerup", state.up, true);
  clearTimeout(state.settling);
  leaveGroup(state);
  if (!state.drawing) discard(state); // else `render` does it when plotly.js has come to its end
}

function discard(state) {
  const canvases = [...state.root.querySelectorAll("canvas")];
  window.Plotly?.purge(state.canvas);
  // Browsers allow about 16 WebGL contexts and collect forgotten ones late: give them back now.
  for (const canvas of canvases) {
    const gl = canvas.getContext("webgl2") ?? canvas.getContext("webgl");
    gl?.getExtension("WEBGL_lose_context")?.loseContext();
  }
}

// ---------------------------------------------------------------------------------------------- drawing

function loadPlotly(url) {
  const shared = (window.__fluoroscopePlotly ??= {});
  shared[url] ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = url;
    script.onload = () => (window.Plotly ? resolve(window.Plotly) : script.onerror());
    script.onerror = () => {
      delete shared[url]; // the next figure tries again
      script.remove();
      reject(new Error(`The plotting library could not be loaded from ${url}. Reload the page; if that does not ` +
        "help, start the app with server.enableStaticServing switched on."));
    };
    document.head.append(script);
  });
  return shared[url];
}

async function draw(state) {
  const { canvas, data } = state;
  fit(state);
  canvas.setAttribute("aria-label", data.alt);
  state.waiting = true;
  if (state.drawing) return; // the loop below takes the newest data when the current drawing is done
  state.drawing = true;
  try {
    const Plotly = await loadPlotly(data.plotly);
    while (state.waiting && !state.gone) {
      state.waiting = false;
      await render(Plotly, state);
      say(state, null);
    }
  } catch (error) {
    console.error(error);
    say(state, `This figure could not be drawn. ${error?.message ?? error}`);
  } finally {
    state.drawing = false;
  }
}

async function render(Plotly, state) {
  const { canvas, data } = state;
  const figure = JSON.parse(data.figure);
  atMoment(state, figure);
  const layout = prepare(figure, data);
  joinGroup(state, layout);
  await Plotly.react(canvas, figure.data, layout, settings(figure, layout, data));
  if (state.gone) return discard(state);
  state.rows = null; // of the points' places; made anew when the pointer asks for one
  if (state.drawn) return;
  state.drawn = true;
  canvas.on("plotly_click", (event) => clicked(state, event));
  canvas.on("plotly_hover", (event) => hovered(state, event));
  canvas.on("plotly_unhover", () => unhovered(state));
  canvas.on("plotly_selected", (event) => enclosed(Plotly, state, event));
  canvas.on("plotly_relayout", (change) => shareCamera(Plotly, state, change));
  canvas.on("plotly_relayouting", (change) => shareCamera(Plotly, state, change));
}

function prepare(figure, { uirevision, legend }) {
  const layout = figure.layout ?? {};
  // The page decides the width, the element's height the height.
  Object.assign(layout, { autosize: true, width: undefined, height: undefined, uirevision });
  if (!legend) layout.showlegend = false; // it stays in what is exported
  figure.data ??= [];
  for (const trace of figure.data) if (SOLID.has(trace.type)) layout[trace.scene ?? "scene"] ??= {};
  for (const [name, part] of Object.entries(layout)) {
    if (/^(scene|xaxis|yaxis)\d*$/.test(name)) part.uirevision = uirevision;
  }
  // A figure never makes the browser fetch anything: only pictures that travel inside it are shown.
  if (layout.images) layout.images = layout.images.filter((image) => isInline(image.source));
  figure.data = figure.data.filter((trace) => trace.type !== "image" || !trace.source || isInline(trace.source));
  return layout;
}

const isInline = (source) => /^data:image\//.test(source ?? "");
const scenesOf = (layout) => Object.keys(layout ?? {}).filter((name) => /^scene\d*$/.test(name));

function settings(figure, layout, { fileName, encloses }) {
  const buttons = ["toImage"];
  if (encloses) buttons.push("lasso2d", "select2d", "pan2d", "zoomIn2d", "zoomOut2d");
  if (figure.data.some((trace) => !SOLID.has(trace.type))) buttons.push("resetScale2d");
  if (scenesOf(layout).length) buttons.push("resetCameraDefault3d");
  return {
    displaylogo: false,
    modeBarButtons: [buttons],
    plotlyServerURL: "",
    responsive: false, // the ResizeObserver sees more than the window does: side bar, columns, tabs
    scrollZoom: "gl3d", // over a 2D figure the wheel scrolls the page
    showTips: false,
    toImageButtonOptions: { format: "svg", filename: fileName },
    topojsonURL: "data:,",
  };
}

function say(state, message) {
  state.note.hidden = message === null;
  state.note.setAttribute("role", "alert");
  state.note.textContent = message ?? "";
}

// A map in a narrow column is not much taller than wide: a scene's height sets its scale, and its sides would be cut off.
function fit({ root, data }) {
  const tallest = data.square && root.clientWidth ? Math.max(240, 1.1 * root.clientWidth) : data.height;
  root.style.height = `${Math.min(data.height, tallest)}px`;
}

function resize(state) {
  cancelAnimationFrame(state.frame);
  fit(state);
  state.frame = requestAnimationFrame(() => {
    if (state.drawn && !state.gone && state.canvas.clientWidth > 0) window.Plotly.Plots.resize(state.canvas);
  });
}

// ---------------------------------------------------------------------------------------------- clicks

// A 3D scene reports a click in every frame in which the button is down over a point, a 2D plot once after it came up.
// Both become one message for each press, and none if the pointer dragged.
function clicked(state, event) {
  const point = event.points?.[0];
  if (!state.data.clicks || !point) return;
  state.candidate = {
    curve: point.curveNumber,
    trace: point.fullData?.name ?? point.data?.name ?? "",
    point: plain(point.pointNumber ?? point.pointIndex ?? point.i ?? 0),
    customdata: plain(point.customdata ?? null),
    x: plain(point.x ?? null),
    y: plain(point.y ?? null),
    z: plain(point.z ?? null),
  };
  if (!state.press) report(state);
}

function release(state, event) {
  const { press } = state;
  if (!press) return;
  state.press = null;
  settle(state);
  const moved = Math.hypot(event.clientX - press.clientX, event.clientY - press.clientY);
  if (moved > CLICK_SLOP) state.sent = true;
  else if (state.candidate) report(state);
}

function report(state) {
  if (state.sent) return;
  state.sent = true;
  state.trigger("click", state.candidate);
}

// ---------------------------------------------------------------------------------------------- regions

const CORNERS = 80; // of a lasso, at most: it stands in the page's address

// A lasso or a box becomes its corners. What lies within is the server's business, and how that looks: plotly.js's own
// outline and paleness go away again.
function enclosed(Plotly, state, event) {
  if (!state.data.encloses || !(event?.lassoPoints ?? event?.range)) return;
  const { lassoPoints: lasso, range } = event;
  const corners = lasso
    ? lasso.x.map((x, at) => [x, lasso.y[at]])
    : [[0, 0], [1, 0], [1, 1], [0, 1]].map(([x, y]) => [range.x[x], range.y[y]]);
  const every = Math.ceil(corners.length / CORNERS);
  state.trigger("region", corners.filter((_, at) => at % every === 0));
  Plotly.update(state.canvas, { selectedpoints: null }, { selections: [] });
}

const plain = (value) =>
  ArrayBuffer.isView(value) || Array.isArray(value) ? Array.from(value, plain) : value;
