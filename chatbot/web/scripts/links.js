// A link whose target is `#VERB/REST` is no place to go but something to do. And gradio labels each
// message with its source, tags and all, which a screen reader then reads instead of the message;
// what it lets be edited is that source too.
const verbs = ['source', 'ask', 'paper', 'compare', 'unfilter', 'copy', 'close', 'chat'];
document.addEventListener('click', event => {
  const link = event.target.closest('a[href^="#"]');
  const [verb, ...rest] = link ? link.getAttribute('href').slice(1).split('/') : [];
  if (!verbs.includes(verb)) return;
  event.preventDefault();
  let value = rest.join('/');
  try { value = decodeURIComponent(value); } catch (error) { /* no escape: taken as written */ }
  trigger(verb, {value});
});
const unlabelled = () => document.querySelectorAll('#chat [data-testid][aria-label]')
  .forEach(message => message.removeAttribute('aria-label'));
const plain = () => document.querySelectorAll('#chat .user-row textarea:not([data-plain])')
  .forEach(box => {
    box.dataset.plain = '';
    box.value = new DOMParser().parseFromString(box.value.replace(/</g, '&lt;'), 'text/html')
      .documentElement.textContent;
    box.dispatchEvent(new Event('input', {bubbles: true}));
  });
new MutationObserver(() => { unlabelled(); plain(); }).observe(document.body, {
  childList: true, subtree: true, attributes: true, attributeFilter: ['aria-label'],
});
