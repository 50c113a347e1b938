"""Small reports that a visitor might bring."""


def report(*papers: str, day: str = "2026-03-01") -> str:
    """A report of some papers."""
    return f"# Hugging Face Daily Papers Report\n**Date**: {day}\n" + "".join(papers)


def paper(number: int, results: str, field: str = "1. **应用领域**：\n自然语言处理。\n\n") -> str:
    """A digest of paper 2603.0000NUMBER."""
    return (
        f"\n{'=' * 60}\n\n## 📄 Quillnet {number}: Learning to Quill\n\n"
        f"- **链接**: https://huggingface.co/papers/2603.0000{number}\n- **阅读来源**: HTML\n\n"
        f"{field}2. **一句话核心贡献**：\n提出 Quillnet-{number} 框架。\n\n"
        "3. **使用指南**：\n输入文本，输出摘要。\n\n4. **主要创新点**：\n新的损失函数。\n\n"
        f"5. **实验效果**：\n{results}\n"
    )
