() => {
  const marker = document.querySelector('#sources')?.dataset.marker;
  if (marker) document.querySelector(`#chat a[href="${marker}"]`)?.focus();
}
