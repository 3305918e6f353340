// Served as never changing, so a changed file takes the next number in its name.
// Runs before the first paint, as a file because the policy allows no inline script: a chosen theme beats the system's.
(function () {
  try {
    var chosen = localStorage.getItem("cosession.theme");
    if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
  } catch (error) {
    console.warn("The chosen theme cannot be read; the system's is used.", error);
  }
})();
