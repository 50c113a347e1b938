// On a small screen the focus would call the keyboard up.
() => {
  if (innerWidth > 900) document.querySelector('#question textarea')?.focus();
}
