// So that a page that is loaded again shows what it showed, and asks nothing twice.
name => {
  history.replaceState(null, '', name ? `?chat=${name}` : location.pathname);
}
