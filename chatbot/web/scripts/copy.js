// Without a secure address a browser has no `navigator.clipboard`.
text => {
  if (!text) return;
  const copied = () => navigator.clipboard.writeText(text);
  const byHand = () => {
    const area = document.body.appendChild(document.createElement('textarea'));
    area.value = text; area.select(); document.execCommand('copy'); area.remove();
  };
  navigator.clipboard ? copied().catch(byHand) : byHand();
}
