// The panel may still be on its way into the page: another tab is open, or it was closed before.
() => {
  const go = tries => {
    const panel = document.querySelector('#browse-paper');
    const top = panel?.querySelector('h2, .unknown');
    if (!top || !panel.offsetParent) return tries && setTimeout(() => go(tries - 1), 50);
    top.tabIndex = -1;
    panel.scrollTop = 0;
    top.focus({preventScroll: true});
    const list = document.querySelector('#browse-results');
    const row = list.querySelector(`a[href="#paper/${list.dataset.paper}"]`);
    if (row?.offsetParent) row.scrollIntoView({block: 'nearest'});
    else panel.scrollIntoView({block: 'start'});
  };
  setTimeout(() => go(40), 50);
}
