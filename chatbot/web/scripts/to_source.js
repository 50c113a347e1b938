// By keyboard one reads the source at once, leaves it with Escape, and is back at its marker.
() => {
  const panel = document.querySelector('#sources');
  const marker = document.activeElement?.getAttribute('href');
  if (!panel || !marker?.startsWith('#source/') || marker.startsWith('#source/compare')) return;
  panel.dataset.marker = marker;
  panel.tabIndex = -1;
  panel.onkeydown = event => {
    if (event.key === 'Escape') panel.querySelector('a.close')?.click();
  };
  panel.focus({preventScroll: true});
}
