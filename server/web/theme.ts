/** Before anything is painted: the theme that was chosen here, if one was. Loaded as a plain script, ahead of the page. */
try {
  const chosen = localStorage.getItem('orrery.theme');
  if (chosen === 'light' || chosen === 'dark') document.documentElement.dataset.theme = chosen;
} catch {
  // Storage is refused: the system's theme it is.
}
