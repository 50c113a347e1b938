"""A tiny sentence-embedding model, made here, through the real runtime and tokenizer."""

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace

from chatbot.config import Settings
from chatbot.errors import ConfigurationError, ModelError
from chatbot.index.embeddings import OnnxEmbedding, open_embedding

WORDS = ["[PAD]", "[UNK]", "query", ":", "图像", "生成", "强化", "学习"]
SIZE = 4


def make_model(folder: Path, *, pooled: bool = False) -> Path:
    """A model whose token vectors are rows of a fixed table; if `pooled`, it averages them."""
    folder.mkdir(parents=True, exist_ok=True)
    table = np.random.default_rng(0).normal(size=(len(WORDS), SIZE)).astype(np.float32)
    nodes = [helper.make_node("Gather", ["table", "input_ids"], ["tokens"])]
    if pooled:
        nodes.append(helper.make_node("ReduceMean", ["tokens"], ["out"], axes=[1], keepdims=0))
    shape = ["batch", SIZE] if pooled else ["batch", "tokens", SIZE]
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("input_ids", TensorProto.INT64, ["batch", "tokens"])],
        [helper.make_tensor_value_info("out" if pooled else "tokens", TensorProto.FLOAT, shape)],
        [numpy_helper.from_array(table, "table")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.save(model, str(folder / "model.onnx"))
    tokenizer = Tokenizer(WordLevel({word: i for i, word in enumerate(WORDS)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder


def test_vectors_have_the_models_size_and_unit_length(tmp_path: Path) -> None:
    vector = OnnxEmbedding.open(make_model(tmp_path)).get_text_embedding("图像 生成")
    assert len(vector) == SIZE
    assert np.linalg.norm(vector) == pytest.approx(1.0, abs=1e-6)


def test_padding_does_not_change_a_texts_vector(tmp_path: Path) -> None:
    embedding = OnnxEmbedding.open(make_model(tmp_path))
    alone = embedding.get_text_embedding("图像")
    beside_a_longer_one = embedding.get_text_embedding_batch(["图像", "强化 学习 生成 图像"])[0]
    assert beside_a_longer_one == pytest.approx(alone, abs=1e-6)


def test_the_first_token_is_taken_where_the_model_says_so(tmp_path: Path) -> None:
    folder = make_model(tmp_path)
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text('{"pooling_mode_cls_token": true}')
    embedding = OnnxEmbedding.open(folder)
    assert embedding.get_text_embedding("图像 生成") == embedding.get_text_embedding("图像 学习")


def test_the_models_own_query_prefix_is_put_before_questions_only(tmp_path: Path) -> None:
    folder = make_model(tmp_path)
    prompts = {"prompts": {"query": "query: ", "passage": ""}}
    (folder / "config_sentence_transformers.json").write_text(json.dumps(prompts))
    embedding = OnnxEmbedding.open(folder)
    assert embedding.get_query_embedding("图像") == embedding.get_text_embedding("query: 图像")


def test_a_model_that_pools_itself_is_taken_as_it_is(tmp_path: Path) -> None:
    vector = OnnxEmbedding.open(make_model(tmp_path, pooled=True)).get_text_embedding("图像 生成")
    assert len(vector) == SIZE


def test_the_setting_opens_the_model_in_its_folder(tmp_path: Path) -> None:
    settings = Settings(CHATBOT_EMBEDDING=f"onnx:{make_model(tmp_path)}")
    embedding = open_embedding(settings)
    assert embedding.get_query_embedding("图像") == embedding.get_text_embedding("图像")


def test_a_folder_without_a_model_is_a_configuration_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="holds no model"):
        OnnxEmbedding.open(tmp_path)


def test_a_damaged_model_is_a_configuration_error(tmp_path: Path) -> None:
    (make_model(tmp_path) / "model.onnx").write_bytes(b"no model")
    with pytest.raises(ConfigurationError, match="cannot be loaded"):
        OnnxEmbedding.open(tmp_path)


def test_a_damaged_side_file_is_a_configuration_error(tmp_path: Path) -> None:
    (make_model(tmp_path) / "config_sentence_transformers.json").write_text("{")
    with pytest.raises(ConfigurationError, match="not JSON"):
        OnnxEmbedding.open(tmp_path)


def test_a_token_the_model_cannot_embed_is_a_model_error(tmp_path: Path) -> None:
    folder = make_model(tmp_path)
    vocabulary = {word: i + 100 * (word == "学习") for i, word in enumerate(WORDS)}
    tokenizer = Tokenizer(WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.save(str(folder / "tokenizer.json"))
    with pytest.raises(ModelError, match="could not embed"):
        OnnxEmbedding.open(folder).get_text_embedding("学习")
