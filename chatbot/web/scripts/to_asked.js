// The question to the top: gradio would show the end of a long answer, its beginning above.
() => {
  const show = left => {
    const chat = document.querySelector('#chat .panel-wrap');
    const asked = [...document.querySelectorAll('#chat .user-row')].pop();
    if (chat && asked && asked.nextElementSibling) {
      chat.scrollTop += asked.getBoundingClientRect().top - chat.getBoundingClientRect().top - 8;
    } else if (left) {
      setTimeout(() => show(left - 1), 50);
    }
  };
  setTimeout(() => show(100), 50);
}
