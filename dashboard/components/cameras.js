// The cameras of 3D figures, shared within a group. Joined to plot.js, whose states and `scenesOf` it uses.

const groups = () => (window.__fluoroscopeCameras ??= new Map());

function joinGroup(state, layout) {
  const { cameraGroup: name, uirevision } = state.data;
  if (state.group !== name) leaveGroup(state);
  if (!name || !scenesOf(layout).length) return;
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

function shareCamera(Plotly, state, change) {
  const group = groups().get(state.group);
  const camera = Object.entries(change ?? {}).find(([name]) => /^scene\d*\.camera$/.test(name))?.[1];
  if (!group || !camera || state.following) return;
  group.camera = structuredClone(camera);
  for (const member of group.members) if (member !== state && member.drawn) follow(Plotly, member, group);
}

async function follow(Plotly, member, group) {
  if (member.following) return; // it reads the group's newest camera when the current step is done
  member.following = 1;
  try {
    for (let shown = null; shown !== group.camera && !member.gone; ) {
      shown = group.camera;
      const update = {};
      for (const scene of scenesOf(member.canvas.layout)) update[`${scene}.camera`] = structuredClone(shown);
      await Plotly.relayout(member.canvas, update);
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
  }, 120);
}
