"""The words around a paragraph and a question in the twelve languages of XQuAD, as lm-evaluation-harness has them."""

from __future__ import annotations

from typing import Any

# language: context, question, answer
WORDS = {
    "ar": ("سيا", "سؤال", "إجابة"),
    "de": ("Kontext", "Frage", "Antwort"),
    "el": ("Συμφραζόμενα", "Ερώτηση", "Απάντηση"),
    "en": ("Context", "Question", "Answer"),
    "es": ("Contexto", "Pregunta", "Respuesta"),
    "hi": ("प्रसंग", "सवाल", "उत्तर"),
    "ro": ("Context", "Întrebare", "Răspuns"),
    "ru": ("Контекст", "Вопрос", "Ответ"),
    "th": ("บริบท", "คำถาม", "คำตอบ"),
    "tr": ("Bağlam", "Soru", "Cevap"),
    "vi": ("Bối cảnh", "Câu hỏi", "Trả lời"),
    "zh": ("语境", "问题", "回答"),
}


def prepare(row: dict[str, Any]) -> dict[str, Any]:
    """Add `language`, the code behind the config's point, and `words` in that language."""
    language = row["config"].partition(".")[2]
    return {**row, "language": language, "words": list(WORDS[language])}
