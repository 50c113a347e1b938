// Where the panel is below the table, it would open out of sight. The focus goes with the reader,
// and back to the marker when the panel is closed.
opened => {
  const panel = document.getElementById('compare-source');
  if (!opened || !panel) return;
  panel.returnTo = document.activeElement;
  panel.tabIndex = -1;
  panel.focus({preventScroll: true});
  panel.scrollTop = 0;
  if (innerWidth < 1100) panel.scrollIntoView({block: 'start'});
}
