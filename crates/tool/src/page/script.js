'use strict';
(() => {
  const tip = document.getElementById('tip');
  let shown = null;

  function hide() {
    if (shown) shown.classList.remove('on');
    shown = null;
    tip.hidden = true;
  }

  function show(element) {
    if (element === shown) return;
    hide();
    shown = element;
    element.classList.add('on');
    tip.textContent = element.dataset.tip;
    tip.hidden = false;
    const at = element.getBoundingClientRect();
    const size = tip.getBoundingClientRect();
    const left = Math.min(Math.max(8, at.left + at.width / 2 - size.width / 2), innerWidth - size.width - 8);
    const above = at.top - size.height - 6;
    tip.style.left = `${left}px`;
    tip.style.top = `${above < 8 ? Math.min(at.bottom + 6, innerHeight - size.height - 8) : above}px`;
  }

  for (const kind of ['pointermove', 'pointerdown']) {
    document.addEventListener(kind, (event) => {
      const element = event.target.closest('[data-tip]');
      if (!element) return hide();
      // A name that is there as a whole needs no tip.
      if (element.matches('.name') && element.scrollWidth <= element.clientWidth) return hide();
      show(element);
    });
  }
  document.addEventListener('scroll', hide, true);
  document.addEventListener('keydown', (event) => {
    if (event.key === 'Escape') return hide();
    const chart = event.target.closest('.shapes');
    if (!chart) return;
    const hits = [...chart.querySelectorAll('.hit')];
    const now = hits.indexOf(shown);
    const next = {
      ArrowRight: Math.min(now + 1, hits.length - 1),
      ArrowLeft: now < 0 ? hits.length - 1 : Math.max(now - 1, 0),
      Home: 0,
      End: hits.length - 1,
    }[event.key];
    if (next === undefined) return;
    event.preventDefault();
    show(hits[next]);
  });
  document.addEventListener('focusout', hide);

  function sort(head) {
    const table = head.closest('table');
    const column = [...head.parentNode.children].indexOf(head);
    const body = table.tBodies[0];
    const up = head.getAttribute('aria-sort') === 'descending' || (head.ariaSort === null && column === 0);
    for (const other of head.parentNode.children) other.removeAttribute('aria-sort');
    head.setAttribute('aria-sort', up ? 'ascending' : 'descending');
    const value = (row) => row.cells[column].dataset.v ?? row.cells[column].textContent;
    const order = (a, b) => {
      const [x, y] = [value(a), value(b)];
      if (x === '' || y === '') return x === y ? 0 : x === '' ? 1 : -1;
      const found = Number.isNaN(Number(x)) || Number.isNaN(Number(y)) ? x.localeCompare(y) : x - y;
      return up ? found : -found;
    };
    body.append(...[...body.rows].sort(order));
  }

  document.addEventListener('click', (event) => {
    const head = event.target.closest('th button')?.closest('th');
    if (head) sort(head);
  });
  document.addEventListener('input', (event) => {
    const card = event.target.closest('.data');
    if (!card) return;
    const wanted = event.target.value.toLowerCase();
    for (const row of card.querySelectorAll('tbody tr')) {
      row.hidden = !row.cells[0].textContent.toLowerCase().includes(wanted);
    }
  });

  function lookAtWidths() {
    for (const frame of document.querySelectorAll('.scroll')) {
      frame.parentNode
        .querySelector('.sideways')
        .classList.toggle('whole', frame.scrollWidth <= frame.clientWidth);
    }
  }
  addEventListener('resize', lookAtWidths);
  lookAtWidths();
})();
