() => {
  const marker = document.querySelector('#compare-source')?.returnTo;
  if (marker?.checkVisibility()) marker.focus();
}
