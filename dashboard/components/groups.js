// Figures that belong together: one camera, one point under the pointer, one moment. Joined to plot.js, whose states and
// `scenesOf` it uses.

const groups = () => (window.__fluoroscopeGroups ??= new Map());

function joinGroup(state, layout) {
  const { group: name, uirevision } = state.data;
  if (state.group !== name) leaveGroup(state);
  if (!name) return;
  state.group = name;
  const group = groups().get(name) ?? { members: new Set(), camera: null, uirevision };
  groups().set(name, group);
  group.members.add(state);
  if (group.uirevision !== uirevision) Object.assign(group, { camera: null, uirevision });
  if (group.camera) for (const scene of scenesOf(layout)) layout[scene].camera = structuredClone(group.camera);
}

function leaveGroup(state) {
  const group = groups().get(state.group);
  group?.members.delete(state);
  if (group && !group.members.size) groups().delete(state.group);
  state.group = null;
}

const othersOf = (state) => [...(groups().get(state.group)?.members ?? [])].filter((one) => one !== state && one.drawn);

// ---------------------------------------------------------------------------------------------- cameras

function shareCamera(Plotly, state, change) {
  const group = groups().get(state.group);
  const camera = Object.entries(change ?? {}).find(([name]) => /^scene\d*\.camera$/.test(name))?.[1];
  if (camera) for (const one of group?.members ?? [state]) unring(one);
  if (!group || !camera || state.following) return;
  group.camera = structuredClone(camera);
  for (const member of othersOf(state)) follow(Plotly, member, group);
}

async function follow(Plotly, member, group) {
  if (member.following) return; // it reads the group's newest camera when the current step is done
  member.following = 1;
  try {
    for (let shown = null; shown !== group.camera && !member.gone; ) {
      shown = group.camera;
      const update = {};
      for (const scene of scenesOf(member.canvas.layout)) update[`${scene}.camera`] = structuredClone(shown);
      if (Object.keys(update).length) await Plotly.relayout(member.canvas, update);
    }
  } finally {
    member.following = 0;
  }
}

// plotly.js notes a scene's camera before the last movement of a drag has reached it, and would jump back there with the
// next data. Once the hand is still, the camera that is seen becomes the one that is noted (and shared).
function settle(state) {
  clearTimeout(state.settling);
  state.settling = setTimeout(() => {
    if (!state.drawn || state.gone || state.press) return;
    const { layout, _fullLayout: full } = state.canvas;
    const update = {};
    for (const name of scenesOf(layout)) {
      const seen = full[name]?._scene?.getCamera();
      if (seen && JSON.stringify(seen) !== JSON.stringify(layout[name].camera)) update[`${name}.camera`] = seen;
    }
    if (Object.keys(update).length) window.Plotly.relayout(state.canvas, update);
    tellCamera(state);
  }, 120);
}

// From where the scene is seen, for a page that keeps it: once the hand is still, and if it is another place than before.
function tellCamera(state) {
  const seen = state.data.turns ? state.canvas._fullLayout.scene?._scene?.getCamera() : null;
  if (!seen) return;
  const told = [seen.eye, seen.center, seen.up].flatMap(({ x, y, z }) => [x, y, z]);
  if (state.told === JSON.stringify(told)) return;
  state.told = JSON.stringify(told);
  state.trigger("camera", told);
}

// ---------------------------------------------------------------------------------------------- the pointer

// What the pointer is over in one figure is ringed in the others: by a mark over the picture, which costs no drawing.
function hovered(state, event) {
  const row = event.points?.find((point) => typeof point.customdata === "number")?.customdata;
  for (const other of othersOf(state)) row === undefined ? unring(other) : ring(other, row);
}

const unhovered = (state) => othersOf(state).forEach(unring);

function ring(state, row) {
  const place = placeOf(state.canvas, state.rows ??= rowsOf(state.canvas), row);
  if (!place) return unring(state);
  const mark = (state.ring ??= state.root.appendChild(Object.assign(document.createElement("div"), {
    className: "fluoroscope-plot-ring",
  })));
  mark.hidden = false;
  mark.dataset.row = row;
  mark.style.transform = `translate(${place[0]}px, ${place[1]}px)`;
}

function unring(state) {
  if (state.ring) state.ring.hidden = true;
}

function rowsOf(canvas) {
  const found = new Map();
  canvas._fullData.forEach((trace, number) => {
    if (trace.customdata?.length && typeof trace.customdata[0] === "number")
      for (let at = 0; at < trace.customdata.length; at++) found.set(trace.customdata[at], [number, at]);
  });
  return found;
}

// Where a sample is seen, in CSS pixels from the figure's corner.
function placeOf(canvas, rows, row) {
  if (!rows.has(row)) return null;
  const [number, at] = rows.get(row);
  const trace = canvas._fullData[number], full = canvas._fullLayout;
  if (!SOLID.has(trace.type)) {
    const [x, y] = [full[axisName(trace.xaxis ?? "x")], full[axisName(trace.yaxis ?? "y")]];
    return [x.d2p(trace.x[at]) + x._offset, y.d2p(trace.y[at]) + y._offset];
  }
  const scene = full[trace.scene ?? "scene"]._scene;
  const { model, view, projection } = scene.glplot.cameraParams;
  const point = ["x", "y", "z"].map((name, axis) => trace[name][at] * scene.dataScale[axis]);
  const [x, y, , w] = [model, view, projection].reduce(transformed, [...point, 1]);
  const box = scene.container.getBoundingClientRect(), own = canvas.getBoundingClientRect();
  return [box.left - own.left + (0.5 + (0.5 * x) / w) * box.width, box.top - own.top + (0.5 - (0.5 * y) / w) * box.height];
}

const axisName = (id) => `${id[0]}axis${id.slice(1)}`;
const transformed = (vector, matrix) =>
  [0, 1, 2, 3].map((row) => vector.reduce((sum, value, column) => sum + matrix[4 * column + row] * value, 0));

// ---------------------------------------------------------------------------------------------- the keyboard

const TURN = Math.PI / 18;

// Arrow keys turn a scene that has the focus, + and - bring it nearer and farther.
function pressed(state, event) {
  const name = state.drawn && scenesOf(state.canvas.layout)[0];
  const [around, up, zoom] = {
    ArrowLeft: [-TURN, 0, 1], ArrowRight: [TURN, 0, 1], ArrowUp: [0, TURN, 1], ArrowDown: [0, -TURN, 1],
    "+": [0, 0, 1 / 1.15], "=": [0, 0, 1 / 1.15], "-": [0, 0, 1.15],
  }[event.key] ?? [];
  if (!name || zoom === undefined || event.target !== state.canvas || event.ctrlKey || event.metaKey) return;
  event.preventDefault(); // else the page scrolls
  const camera = state.canvas._fullLayout[name]._scene.getCamera();
  const { x, y, z } = camera.eye;
  const far = Math.hypot(x, y, z) * zoom, turned = Math.atan2(y, x) + around;
  const raised = Math.min(1.5, Math.max(-1.5, Math.asin(z / Math.hypot(x, y, z)) + up)); // short of the poles
  camera.eye = {
    x: far * Math.cos(raised) * Math.cos(turned), y: far * Math.cos(raised) * Math.sin(turned), z: far * Math.sin(raised),
  };
  window.Plotly.relayout(state.canvas, { [`${name}.camera`]: camera });
}
