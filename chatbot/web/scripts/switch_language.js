() => {
  const other = document.documentElement.lang.startsWith('zh') ? 'en' : 'zh';
  document.cookie = `chatbot-language=${other}; path=/; max-age=31536000; samesite=lax`;
  location.reload();
}
