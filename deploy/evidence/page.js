(() => {
  "use strict";
  const text = document.getElementById("f-text");
  const framework = document.getElementById("f-framework");
  const result = document.getElementById("f-result");
  const count = document.getElementById("f-count");
  const clear = document.getElementById("f-clear");
  const expand = document.getElementById("f-expand");
  const bodies = [...document.querySelectorAll("#matrix tbody")];
  const rows = bodies.flatMap((body) => [...body.querySelectorAll("tr.control")]);
  const words = new Map(rows.map((row) => [row, row.textContent.toLowerCase()]));

  const apply = () => {
    const wanted = text.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const row of rows) {
      const fits =
        wanted.every((word) => words.get(row).includes(word)) &&
        (!framework.value || row.dataset.frameworks.split("|").includes(framework.value)) &&
        (!result.value || row.dataset.results.split("|").includes(result.value));
      row.hidden = !fits;
      shown += fits;
    }
    for (const body of bodies) {
      body.hidden = !body.querySelector("tr.control:not([hidden])");
    }
    count.textContent =
      shown === rows.length ? `All ${shown} controls` : `${shown} of ${rows.length} controls`;
    clear.hidden = !(text.value || framework.value || result.value);
  };

  const closed = () => [...document.querySelectorAll("#matrix details:not([open])")];
  expand.addEventListener("click", () => {
    const open = closed().length > 0;
    document.querySelectorAll("#matrix details").forEach((each) => { each.open = open; });
    expand.textContent = open ? "Close details" : "Open details";
  });
  clear.addEventListener("click", () => {
    text.value = framework.value = result.value = "";
    apply();
    text.focus();
  });
  for (const control of [text, framework, result]) control.addEventListener("input", apply);
  document.querySelectorAll("[data-show]").forEach((link) =>
    link.addEventListener("click", () => {
      text.value = framework.value = "";
      result.value = link.dataset.show;
      apply();
    }),
  );
  document.querySelectorAll("[data-framework]").forEach((link) =>
    link.addEventListener("click", () => {
      text.value = result.value = "";
      framework.value = link.dataset.framework;
      apply();
    }),
  );
  // A link to a control must lead there, though a filter hides it.
  document.querySelectorAll("a[href^='#']").forEach((link) =>
    link.addEventListener("click", () => {
      const row = document.getElementById(link.getAttribute("href").slice(1));
      if (!row || !row.hidden) return;
      text.value = framework.value = result.value = "";
      apply();
    }),
  );
  document.getElementById("filter").addEventListener("submit", (event) => event.preventDefault());
  document.getElementById("filter").hidden = false;

  let opened = [];
  addEventListener("beforeprint", () => {
    opened = [...document.querySelectorAll("details:not([open])")];
    opened.forEach((each) => { each.open = true; });
  });
  addEventListener("afterprint", () => opened.forEach((each) => { each.open = false; }));
  apply();
})();
