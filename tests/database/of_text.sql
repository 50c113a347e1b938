BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0002');
CREATE TABLE conversations (
	id VARCHAR(32) NOT NULL, 
	owner VARCHAR(128) NOT NULL, 
	title VARCHAR(200) NOT NULL, 
	created DATETIME NOT NULL, 
	changed DATETIME NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "conversations" VALUES('89f0fbb235b245d9bef7ee8c689795a5','local','哪些论文在 GSM8K 上做了评测？','2026-11-30 14:42:06.825556','2026-11-30 14:42:37.550792');
CREATE TABLE feedback (
	id VARCHAR(32) NOT NULL, 
	owner VARCHAR(128) NOT NULL, 
	created DATETIME NOT NULL, 
	verdict VARCHAR(8) NOT NULL, 
	comment TEXT NOT NULL, 
	conversation VARCHAR(32), 
	position INTEGER NOT NULL, 
	attempt VARCHAR(32), 
	question TEXT NOT NULL, 
	history JSON NOT NULL, 
	record JSON NOT NULL, 
	versions JSON NOT NULL, 
	PRIMARY KEY (id)
);
CREATE TABLE generations (
	number INTEGER NOT NULL, 
	manifest TEXT NOT NULL, 
	committed DATETIME NOT NULL, 
	PRIMARY KEY (number)
);
CREATE TABLE index_files (
	name VARCHAR(255) NOT NULL, 
	sha256 VARCHAR(64) NOT NULL, 
	size BIGINT NOT NULL, 
	PRIMARY KEY (name)
);
CREATE TABLE index_parts (
	name VARCHAR(255) NOT NULL, 
	part INTEGER NOT NULL, 
	data BLOB NOT NULL, 
	PRIMARY KEY (name, part), 
	FOREIGN KEY(name) REFERENCES index_files (name) ON DELETE CASCADE
);
CREATE TABLE sessions (
	token VARCHAR(64) NOT NULL, 
	owner VARCHAR(128) NOT NULL, 
	stamp VARCHAR(64) NOT NULL, 
	ends DATETIME NOT NULL, 
	PRIMARY KEY (token)
);
CREATE TABLE spending (
	day DATE NOT NULL, 
	tokens INTEGER NOT NULL, 
	PRIMARY KEY (day)
);
CREATE TABLE turns (
	conversation VARCHAR(32) NOT NULL, 
	position INTEGER NOT NULL, 
	question TEXT NOT NULL, 
	asked DATETIME NOT NULL, 
	filters JSON NOT NULL, 
	answer JSON, 
	attempt VARCHAR(32) NOT NULL, 
	partial TEXT NOT NULL, 
	error TEXT NOT NULL, 
	PRIMARY KEY (conversation, position), 
	FOREIGN KEY(conversation) REFERENCES conversations (id) ON DELETE CASCADE, 
	UNIQUE (attempt)
);
INSERT INTO "turns" VALUES('89f0fbb235b245d9bef7ee8c689795a5',0,'哪些论文在 GSM8K 上做了评测？','2026-11-30 14:42:06.852080','{"dates": [], "papers": [], "sections": []}','{"id": null, "question": "\u54ea\u4e9b\u8bba\u6587\u5728 GSM8K \u4e0a\u505a\u4e86\u8bc4\u6d4b\uff1f", "answer": "**NeST**\uff082602.16835 \u00b7 2026-02-22\uff09\n\n- **\u901a\u7528\u80fd\u529b\u65e0\u635f**\uff1a\u5728 GSM8K\uff08\u6570\u5b66\uff09\u3001ARC\uff08\u63a8\u7406\uff09\u3001MMLU\uff08\u77e5\u8bc6\uff09\u7b49\u57fa\u51c6\u6d4b\u8bd5\u4e2d\uff0c\u6a21\u578b\u6838\u5fc3\u80fd\u529b\u51e0\u4e4e\u672a\u53d7\u5f71\u54cd\uff08\u4f8b\u5982 GSM8K \u51c6\u786e\u7387\u5e73\u5747\u4ec5\u4e0b\u964d 0.9%\uff09\uff0c\u4f18\u4e8e\u5bb9\u6613\u5bfc\u81f4\u8fc7\u5ea6\u62d2\u7edd\uff08Over-refusal\uff09\u7684\u5176\u4ed6\u65b9\u6cd5\u3002 [1]\n\n**Beyond Correctness**\uff082602.08489 \u00b7 2026-02-12\uff09\n\n- **\u6cdb\u5316\u80fd\u529b (OOD)**\uff1a\u5728\u5206\u5e03\u5916\u6570\u636e\u96c6\uff08\u5982 GSM8K \u548c\u79d1\u5b66\u63a8\u7406\u6570\u636e\u96c6 GPQA\uff09\u4e0a\uff0cRLTR \u7684\u8868\u73b0\u5747\u4f18\u4e8e\u57fa\u5ea7\u6a21\u578b\u548c\u6807\u51c6\u7684 RLVR \u65b9\u6cd5\uff0c\u8bc1\u660e\u4e86\u8fc1\u79fb\u5956\u52b1\u80fd\u4fc3\u8fdb\u6a21\u578b\u5b66\u4e60\u5230\u66f4\u901a\u7528\u7684\u63a8\u7406\u6a21\u5f0f\u3002 [2]\n\n**IIB-LPO**\uff082601.05870 \u00b7 2026-01-12\uff09\n\n- **\u6d4b\u8bd5\u57fa\u51c6**\uff1a\u5728 MATH-500, GSM8K, OlympiadBench, AIME2024 \u56db\u4e2a\u6570\u5b66\u63a8\u7406\u57fa\u51c6\u4e0a\u8fdb\u884c\u4e86\u8bc4\u4f30\u3002 [3]\n\n**The Molecular Structure of Thought**\uff082601.06002 \u00b7 2026-01-12\uff09\n\n- **\u6838\u5fc3\u6570\u636e\u96c6**\uff1aGSM8K, MATH-500, AIME 2024/2025, AMC 2023, OlympiadBench\u3002 [4]\n\n**DR-LoRA**\uff082601.04823 \u00b7 2026-01-12\uff09\n\n- **\u5173\u952e\u4efb\u52a1\u663e\u8457\u63d0\u5347**\uff1a\u5728 OLMoE \u6a21\u578b\u4e0a\uff0c\u76f8\u6bd4\u6807\u51c6 LoRA\uff0cDR-LoRA \u5728 **GSM8k (\u6570\u5b66\u63a8\u7406)** \u4e0a\u63d0\u5347 **+2.6** \u5206\uff0c\u5728 **HumanEval (\u4ee3\u7801\u751f\u6210)** \u4e0a\u63d0\u5347 **+5.0** \u5206\uff0c\u5728 **IFEval (\u6307\u4ee4\u8ddf\u968f)** \u4e0a\u63d0\u5347 **+3.9** \u5206\u3002 [5]", "abstained": false, "abstain_reason": null, "mode": "extractive", "intent": "list", "language": "zh", "scope": {"papers": [], "dates": [], "sections": []}, "retrieved": 5, "notice": "138 \u7bc7\u8bba\u6587\u5168\u90e8\u67e5\u8fc7\uff0c\u7b26\u5408\u7684\u6709 5 \u7bc7\u3002", "confidence": null, "clarification": null, "coverage": {"by": "mention", "checked": 138, "matched": 5, "terms": ["GSM8K"]}, "citations": [{"n": 1, "section": "2602.16835/results", "title": "NeST: Neuron Selective Tuning for LLM Safety", "url": "https://huggingface.co/papers/2602.16835", "date": "2026-02-22", "quote": "**\u901a\u7528\u80fd\u529b\u65e0\u635f**\uff1a\u5728 GSM8K\uff08\u6570\u5b66\uff09\u3001ARC\uff08\u63a8\u7406\uff09\u3001MMLU\uff08\u77e5\u8bc6\uff09\u7b49\u57fa\u51c6\u6d4b\u8bd5\u4e2d\uff0c\u6a21\u578b\u6838\u5fc3\u80fd\u529b\u51e0\u4e4e\u672a\u53d7\u5f71\u54cd\uff08\u4f8b\u5982 GSM8K \u51c6\u786e\u7387\u5e73\u5747\u4ec5\u4e0b\u964d 0.9%\uff09\uff0c\u4f18\u4e8e\u5bb9\u6613\u5bfc\u81f4\u8fc7\u5ea6\u62d2\u7edd\uff08Over-refusal\uff09\u7684\u5176\u4ed6\u65b9\u6cd5\u3002", "span": [217, 330], "quotes": ["**\u901a\u7528\u80fd\u529b\u65e0\u635f**\uff1a\u5728 GSM8K\uff08\u6570\u5b66\uff09\u3001ARC\uff08\u63a8\u7406\uff09\u3001MMLU\uff08\u77e5\u8bc6\uff09\u7b49\u57fa\u51c6\u6d4b\u8bd5\u4e2d\uff0c\u6a21\u578b\u6838\u5fc3\u80fd\u529b\u51e0\u4e4e\u672a\u53d7\u5f71\u54cd\uff08\u4f8b\u5982 GSM8K \u51c6\u786e\u7387\u5e73\u5747\u4ec5\u4e0b\u964d 0.9%\uff09\uff0c\u4f18\u4e8e\u5bb9\u6613\u5bfc\u81f4\u8fc7\u5ea6\u62d2\u7edd\uff08Over-refusal\uff09\u7684\u5176\u4ed6\u65b9\u6cd5\u3002"], "spans": [[217, 330]], "report": "004_36d8fe0d9ea06fe0.txt", "lines": [808, 811]}, {"n": 2, "section": "2602.08489/results", "title": "Beyond Correctness: Learning Robust Reasoning via Transfer", "url": "https://huggingface.co/papers/2602.08489", "date": "2026-02-12", "quote": "**\u6cdb\u5316\u80fd\u529b (OOD)**\uff1a\u5728\u5206\u5e03\u5916\u6570\u636e\u96c6\uff08\u5982 GSM8K \u548c\u79d1\u5b66\u63a8\u7406\u6570\u636e\u96c6 GPQA\uff09\u4e0a\uff0cRLTR \u7684\u8868\u73b0\u5747\u4f18\u4e8e\u57fa\u5ea7\u6a21\u578b\u548c\u6807\u51c6\u7684 RLVR \u65b9\u6cd5\uff0c\u8bc1\u660e\u4e86\u8fc1\u79fb\u5956\u52b1\u80fd\u4fc3\u8fdb\u6a21\u578b\u5b66\u4e60\u5230\u66f4\u901a\u7528\u7684\u63a8\u7406\u6a21\u5f0f\u3002", "span": [259, 358], "quotes": ["**\u6cdb\u5316\u80fd\u529b (OOD)**\uff1a\u5728\u5206\u5e03\u5916\u6570\u636e\u96c6\uff08\u5982 GSM8K \u548c\u79d1\u5b66\u63a8\u7406\u6570\u636e\u96c6 GPQA\uff09\u4e0a\uff0cRLTR \u7684\u8868\u73b0\u5747\u4f18\u4e8e\u57fa\u5ea7\u6a21\u578b\u548c\u6807\u51c6\u7684 RLVR \u65b9\u6cd5\uff0c\u8bc1\u660e\u4e86\u8fc1\u79fb\u5956\u52b1\u80fd\u4fc3\u8fdb\u6a21\u578b\u5b66\u4e60\u5230\u66f4\u901a\u7528\u7684\u63a8\u7406\u6a21\u5f0f\u3002"], "spans": [[259, 358]], "report": "000_a123f1b62403a6c8.txt", "lines": [313, 316]}, {"n": 3, "section": "2601.05870/results", "title": "IIB-LPO: Latent Policy Optimization via Iterative Information Bottleneck", "url": "https://huggingface.co/papers/2601.05870", "date": "2026-01-12", "quote": "**\u6d4b\u8bd5\u57fa\u51c6**\uff1a\u5728 MATH-500, GSM8K, OlympiadBench, AIME2024 \u56db\u4e2a\u6570\u5b66\u63a8\u7406\u57fa\u51c6\u4e0a\u8fdb\u884c\u4e86\u8bc4\u4f30\u3002", "span": [4, 71], "quotes": ["**\u6d4b\u8bd5\u57fa\u51c6**\uff1a\u5728 MATH-500, GSM8K, OlympiadBench, AIME2024 \u56db\u4e2a\u6570\u5b66\u63a8\u7406\u57fa\u51c6\u4e0a\u8fdb\u884c\u4e86\u8bc4\u4f30\u3002"], "spans": [[4, 71]], "report": "002_18c40586699a2521.txt", "lines": [579, 584]}, {"n": 4, "section": "2601.06002/results", "title": "The Molecular Structure of Thought: Mapping the Topology of Long Chain-of-Thought Reasoning", "url": "https://huggingface.co/papers/2601.06002", "date": "2026-01-12", "quote": "**\u6838\u5fc3\u6570\u636e\u96c6**\uff1aGSM8K, MATH-500, AIME 2024/2025, AMC 2023, OlympiadBench\u3002", "span": [4, 71], "quotes": ["**\u6838\u5fc3\u6570\u636e\u96c6**\uff1aGSM8K, MATH-500, AIME 2024/2025, AMC 2023, OlympiadBench\u3002"], "spans": [[4, 71]], "report": "002_18c40586699a2521.txt", "lines": [648, 653]}, {"n": 5, "section": "2601.04823/results", "title": "DR-LoRA: Dynamic Rank LoRA for Mixture-of-Experts Adaptation", "url": "https://huggingface.co/papers/2601.04823", "date": "2026-01-12", "quote": "**\u5173\u952e\u4efb\u52a1\u663e\u8457\u63d0\u5347**\uff1a\u5728 OLMoE \u6a21\u578b\u4e0a\uff0c\u76f8\u6bd4\u6807\u51c6 LoRA\uff0cDR-LoRA \u5728 **GSM8k (\u6570\u5b66\u63a8\u7406)** \u4e0a\u63d0\u5347 **+2.6** \u5206\uff0c\u5728 **HumanEval (\u4ee3\u7801\u751f\u6210)** \u4e0a\u63d0\u5347 **+5.0** \u5206\uff0c\u5728 **IFEval (\u6307\u4ee4\u8ddf\u968f)** \u4e0a\u63d0\u5347 **+3.9** \u5206\u3002", "span": [137, 287], "quotes": ["**\u5173\u952e\u4efb\u52a1\u663e\u8457\u63d0\u5347**\uff1a\u5728 OLMoE \u6a21\u578b\u4e0a\uff0c\u76f8\u6bd4\u6807\u51c6 LoRA\uff0cDR-LoRA \u5728 **GSM8k (\u6570\u5b66\u63a8\u7406)** \u4e0a\u63d0\u5347 **+2.6** \u5206\uff0c\u5728 **HumanEval (\u4ee3\u7801\u751f\u6210)** \u4e0a\u63d0\u5347 **+5.0** \u5206\uff0c\u5728 **IFEval (\u6307\u4ee4\u8ddf\u968f)** \u4e0a\u63d0\u5347 **+3.9** \u5206\u3002"], "spans": [[137, 287]], "report": "002_18c40586699a2521.txt", "lines": [755, 760]}], "sentences": [{"text": "**\u901a\u7528\u80fd\u529b\u65e0\u635f**\uff1a\u5728 GSM8K\uff08\u6570\u5b66\uff09\u3001ARC\uff08\u63a8\u7406\uff09\u3001MMLU\uff08\u77e5\u8bc6\uff09\u7b49\u57fa\u51c6\u6d4b\u8bd5\u4e2d\uff0c\u6a21\u578b\u6838\u5fc3\u80fd\u529b\u51e0\u4e4e\u672a\u53d7\u5f71\u54cd\uff08\u4f8b\u5982 GSM8K \u51c6\u786e\u7387\u5e73\u5747\u4ec5\u4e0b\u964d 0.9%\uff09\uff0c\u4f18\u4e8e\u5bb9\u6613\u5bfc\u81f4\u8fc7\u5ea6\u62d2\u7edd\uff08Over-refusal\uff09\u7684\u5176\u4ed6\u65b9\u6cd5\u3002", "citations": [1], "supported": true, "reason": null}, {"text": "**\u6cdb\u5316\u80fd\u529b (OOD)**\uff1a\u5728\u5206\u5e03\u5916\u6570\u636e\u96c6\uff08\u5982 GSM8K \u548c\u79d1\u5b66\u63a8\u7406\u6570\u636e\u96c6 GPQA\uff09\u4e0a\uff0cRLTR \u7684\u8868\u73b0\u5747\u4f18\u4e8e\u57fa\u5ea7\u6a21\u578b\u548c\u6807\u51c6\u7684 RLVR \u65b9\u6cd5\uff0c\u8bc1\u660e\u4e86\u8fc1\u79fb\u5956\u52b1\u80fd\u4fc3\u8fdb\u6a21\u578b\u5b66\u4e60\u5230\u66f4\u901a\u7528\u7684\u63a8\u7406\u6a21\u5f0f\u3002", "citations": [2], "supported": true, "reason": null}, {"text": "**\u6d4b\u8bd5\u57fa\u51c6**\uff1a\u5728 MATH-500, GSM8K, OlympiadBench, AIME2024 \u56db\u4e2a\u6570\u5b66\u63a8\u7406\u57fa\u51c6\u4e0a\u8fdb\u884c\u4e86\u8bc4\u4f30\u3002", "citations": [3], "supported": true, "reason": null}, {"text": "**\u6838\u5fc3\u6570\u636e\u96c6**\uff1aGSM8K, MATH-500, AIME 2024/2025, AMC 2023, OlympiadBench\u3002", "citations": [4], "supported": true, "reason": null}, {"text": "**\u5173\u952e\u4efb\u52a1\u663e\u8457\u63d0\u5347**\uff1a\u5728 OLMoE \u6a21\u578b\u4e0a\uff0c\u76f8\u6bd4\u6807\u51c6 LoRA\uff0cDR-LoRA \u5728 **GSM8k (\u6570\u5b66\u63a8\u7406)** \u4e0a\u63d0\u5347 **+2.6** \u5206\uff0c\u5728 **HumanEval (\u4ee3\u7801\u751f\u6210)** \u4e0a\u63d0\u5347 **+5.0** \u5206\uff0c\u5728 **IFEval (\u6307\u4ee4\u8ddf\u968f)** \u4e0a\u63d0\u5347 **+3.9** \u5206\u3002", "citations": [5], "supported": true, "reason": null}], "removed_markers": [], "taken_out": {}, "prompt_version": null, "rules": [], "repair": null, "usage": {"llm_calls": 0, "prompt_tokens": 0, "completion_tokens": 0}, "timings_ms": {"understand": 93.51, "retrieve": 163.63, "synthesize": 199.48, "verify": 39.8, "total": 501.51}}','04f54e7246a447ea8bc0d01cbb370fd0','','');
INSERT INTO "turns" VALUES('89f0fbb235b245d9bef7ee8c689795a5',1,'GRU-Mem 的推理速度提升了多少？','2026-11-30 14:42:37.482610','{"dates": [], "papers": [], "sections": []}','{"id": null, "question": "GRU-Mem \u7684\u63a8\u7406\u901f\u5ea6\u63d0\u5347\u4e86\u591a\u5c11\uff1f", "answer": "\u901f\u5ea6\u5982\u4e0b\uff1a\n\n- \u63a8\u7406\u901f\u5ea6\u6700\u9ad8\u63d0\u5347 400%[1]\u3002\n- \u63d0\u5347 4321%[1]\u3002", "abstained": false, "abstain_reason": null, "mode": "fake", "intent": "lookup", "language": "zh", "scope": {"papers": ["2602.10560"], "dates": [], "sections": ["results"]}, "retrieved": 8, "notice": null, "confidence": 0.899, "clarification": null, "coverage": null, "citations": [{"n": 1, "section": "2602.10560/results", "title": "When to Memorize and When to Stop: Gated Recurrent Memory for Long-Context Reasoning", "url": "https://huggingface.co/papers/2602.10560", "date": "2026-02-12", "quote": "**\u6548\u7387\u63d0\u5347**\uff1a\u5f97\u76ca\u4e8e\u65e9\u505c\u673a\u5236\u548c\u9009\u62e9\u6027\u66f4\u65b0\uff0c\u63a8\u7406\u901f\u5ea6\u5927\u5e45\u63d0\u5347\uff0c\u6700\u9ad8\u5b9e\u73b0\u4e86 **400% (4\u500d)** \u7684\u63a8\u7406\u901f\u5ea6\u52a0\u901f\u3002", "span": [62, 122], "quotes": ["**\u6548\u7387\u63d0\u5347**\uff1a\u5f97\u76ca\u4e8e\u65e9\u505c\u673a\u5236\u548c\u9009\u62e9\u6027\u66f4\u65b0\uff0c\u63a8\u7406\u901f\u5ea6\u5927\u5e45\u63d0\u5347\uff0c\u6700\u9ad8\u5b9e\u73b0\u4e86 **400% (4\u500d)** \u7684\u63a8\u7406\u901f\u5ea6\u52a0\u901f\u3002"], "spans": [[62, 122]], "report": "000_a123f1b62403a6c8.txt", "lines": [1000, 1003]}], "sentences": [{"text": "\u63a8\u7406\u901f\u5ea6\u6700\u9ad8\u63d0\u5347 400%\u3002", "citations": [1], "supported": true, "reason": null}, {"text": "\u63d0\u5347 4321%\u3002", "citations": [1], "supported": false, "reason": "number_not_in_source: 4321%"}], "removed_markers": [9], "taken_out": {}, "prompt_version": "8725b6cef9a5", "rules": [], "repair": null, "usage": {"llm_calls": 1, "prompt_tokens": 6104, "completion_tokens": 46}, "timings_ms": {"understand": 1.42, "retrieve": 12.15, "synthesize": 9878.33, "verify": 74.14, "total": 9966.14}}','1a6149e9a56a41b08f1903907a19e400','','');
INSERT INTO "turns" VALUES('89f0fbb235b245d9bef7ee8c689795a5',2,'还有呢？','2026-11-30 14:42:37.550130','{"dates": [], "papers": [], "sections": []}',NULL,'3319e380596c45f19f1854b3e46b7a8e','半句','');
CREATE TABLE users (
	name VARCHAR(64) NOT NULL, 
	password_hash VARCHAR(256) NOT NULL, 
	PRIMARY KEY (name)
);
CREATE INDEX conversations_by_owner ON conversations (owner, changed);
CREATE INDEX feedback_by_answer ON feedback (owner, conversation, position);
COMMIT;