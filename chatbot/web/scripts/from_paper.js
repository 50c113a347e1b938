() => {
  const back = tries => {
    const list = document.querySelector('#browse-results');
    if (!list?.offsetParent || document.querySelector('#browse-paper')?.offsetParent)
      return tries && setTimeout(() => back(tries - 1), 50);
    const active = document.activeElement;
    if (active.offsetParent && !active.closest('#browse-paper') && active !== document.body) return;
    const link = list.querySelector(`a[href="#paper/${list.dataset.paper}"]`);
    const to = link ?? list.querySelector('.shown');
    to.focus({preventScroll: true});
    to.scrollIntoView({block: 'nearest'});
  };
  back(40);
}
