// An address of the browser's own; it is given back when the file has surely been read.
file => {
  const [name, text] = JSON.parse(file || '["", ""]');
  if (!name) return;
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([text], {type: 'application/octet-stream'}));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
}
