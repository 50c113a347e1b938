// A button says what it does in `data-do`. Drawing the HTML anew takes the focus from the button
// that was pressed: it is given back, or to the line that says what is shown.
let pressed = '';
element.addEventListener('click', event => {
  const paper = event.target.closest('a[href^="#paper/"]');
  const list = document.querySelector('#browse-results');
  if (paper) list.dataset.paper = paper.hash.slice('#paper/'.length);
  const button = event.target.closest('button[data-do]');
  if (!button) return;
  pressed = button.dataset.do;
  trigger('select', {value: pressed});
});
watch('value', () => {
  if (!pressed) return;
  const turned = pressed.startsWith('page/');
  const buttons = [...element.querySelectorAll('button[data-do]')];
  const again = buttons.find(button => button.dataset.do === pressed);
  const to = turned || !again ? document.querySelector('#browse-results .shown') : again;
  pressed = '';
  to?.focus({preventScroll: true});
  if (turned) to?.scrollIntoView({block: 'start'});
});
