"""The example flows, written in Python. `make examples` writes their files anew."""

from pathlib import Path

from penstock.writing import Flow


def echo() -> Flow:
    flow = _example(
        "Echo", "5c0f3a9e-7b41-4d2c-9a6e-1f8b2d7c4e01", "Answers with the message it was sent. Needs no model."
    )
    asked = flow.add("ChatInput", "ChatInput-kX2mE")
    passed = flow.add("Pass", "Pass-Vw7dQ", input_message=asked["message"])
    flow.add("ChatOutput", "ChatOutput-Lr4tA", input_value=passed["output_message"])
    return flow


def router() -> Flow:
    flow = _example(
        "Router",
        "a2d84b17-63ce-4f05-8e19-7c5d90b3f602",
        "Takes one of two branches, by whether the message says please. Needs no model.",
    )
    asked = flow.add("ChatInput", "ChatInput-Qh3vN")
    either = flow.add(
        "ConditionalRouter",
        "ConditionalRouter-Zb6yT",
        display_name="If-Else",
        input_text=asked["message"],
        operator="contains",
        match_text="please",
    )
    polite = flow.add(
        "Prompt Template",
        "PromptTemplate-Ge9cK",
        display_name="Polite answer",
        template="With pleasure. You said: {message}",
        message=either["true_result"],
    )
    curt = flow.add(
        "Prompt Template",
        "PromptTemplate-Mu5sP",
        display_name="Curt answer",
        template="Say please. You said: {message}",
        message=either["false_result"],
    )
    flow.add("ChatOutput", "ChatOutput-Jd8fW", input_value=[polite["prompt"], curt["prompt"]])
    return flow


def answer() -> Flow:
    flow = _example(
        "Answer", "e7196c52-0d8f-4b3a-b527-48a1f6e9d503", "Answers a question with a language model.", "model"
    )
    asked = flow.add("ChatInput", "ChatInput-Rt1pC")
    told = flow.add(
        "Prompt Template",
        "PromptTemplate-Xn0wB",
        display_name="Instructions",
        template="Answer in at most three sentences.",
    )
    model = flow.add(
        "LanguageModelComponent",
        "LanguageModelComponent-Fy6gU",
        display_name="Language Model",
        input_value=asked["message"],
        system_message=told["prompt"],
    )
    flow.add("ChatOutput", "ChatOutput-So2kH", input_value=model["text_output"])
    return flow


def refund_approval() -> Flow:
    flow = _example(
        "Refund approval",
        "3b9e6d10-5f27-4c8a-90d4-e2a71c6b8f35",
        "A person approves or rejects the refund that the message asks for. Needs no model.",
    )
    asked = flow.add("ChatInput", "ChatInput-Wm4rS")
    person = flow.add(
        "HumanInput",
        "HumanInput-Kd8uY",
        display_name="Refund approval",
        prompt=asked["message"],
        decisions=["Approve", "Reject"],
    )
    paid = flow.add(
        "Prompt Template",
        "PromptTemplate-Tv2hB",
        display_name="Refunded",
        template="The refund is paid: {request}",
        request=person["branch_approve"],
    )
    refused = flow.add(
        "Prompt Template",
        "PromptTemplate-Nc7qL",
        display_name="Refused",
        template="The refund is refused: {request}",
        request=person["branch_reject"],
    )
    flow.add("ChatOutput", "ChatOutput-Pz5xE", input_value=[paid["prompt"], refused["prompt"]])
    return flow


def two_approvals() -> Flow:
    flow = _example(
        "Two approvals",
        "8d41f7a3-2c96-4e5b-b8f0-1a6937c5d248",
        "Two people decide independently, in any order; both must approve. Needs no model.",
    )
    asked = flow.add("ChatInput", "ChatInput-Bf6kJ")
    legal = flow.add("HumanInput", "HumanInput-Lg3aX", display_name="Legal", prompt=asked["message"])
    finance = flow.add("HumanInput", "HumanInput-Fn9iC", display_name="Finance", prompt=asked["message"])
    signed = flow.add(
        "Prompt Template",
        "PromptTemplate-Ho1dW",
        display_name="Signed",
        template="Both approve.\nLegal read: {legal}\nFinance read: {finance}",
        legal=legal["branch_approve"],
        finance=finance["branch_approve"],
    )
    sent_back = flow.add(
        "Prompt Template",
        "PromptTemplate-Ys8vM",
        display_name="Sent back",
        template="Not both approve: {contract}",
        contract=[legal["branch_reject"], finance["branch_reject"]],
    )
    flow.add("ChatOutput", "ChatOutput-Ut0nR", input_value=[signed["prompt"], sent_back["prompt"]])
    return flow


def expense_form() -> Flow:
    flow = _example(
        "Expense form",
        "c65f0b82-94d3-47e1-a3c7-5f8e2d19b604",
        "A person fills in a form with fields; its values go on through the flow. Needs no model.",
    )
    asked = flow.add("ChatInput", "ChatInput-Ja5oG")
    person = flow.add(
        "HumanInput",
        "HumanInput-Eb2wZ",
        display_name="Expense form",
        prompt=asked["message"],
        decisions=["Submit"],
        form={
            "type": "object",
            "properties": {
                "amount": {"type": "number", "title": "Amount", "description": "In euros.", "exclusiveMinimum": 0},
                "category": {"type": "string", "title": "Category", "enum": ["travel", "meals", "equipment"]},
                "note": {"type": "string", "title": "Note", "maxLength": 200},
            },
            "required": ["amount", "category"],
            "additionalProperties": False,
        },
    )
    record = flow.add(
        "ParserComponent",
        "ParserComponent-Qx7tD",
        display_name="Record",
        input_data=person["values"],
        pattern="Booked {amount} euros under {category}. {note}",
    )
    flow.add("ChatOutput", "ChatOutput-Iy4cV", input_value=record["parsed_text"])
    return flow


def assistant() -> Flow:
    flow = _example(
        "Assistant",
        "f06b2d84-91e7-4c35-8ad2-6e53b7c019fa",
        "An agent that calculates, and saves a note when a person approves. Needs a model that calls tools.",
        "model",
    )
    asked = flow.add("ChatInput", "ChatInput-Ny8sB")
    calculator = flow.add("CalculatorComponent", "CalculatorComponent-Ke2rJ", tool_mode=True)
    notes = flow.add(
        "SaveToFile",
        "SaveToFile-Tw4uH",
        display_name="Note",
        local_format="txt",
        tool_mode=True,
        tools_metadata=[
            {
                "name": "save_note",
                "description": "Saves a note as a text file, and tells its path.",
                "args": {"file_name": {"type": "string"}, "input": {"type": "string", "description": "The note."}},
                "status": True,
                "tags": ["save_to_file"],
                "approval_actions": ["approve", "edit", "reject", "respond"],
            }
        ],
    )
    agent = flow.add(
        "Agent",
        "Agent-Pb6gX",
        input_value=asked["message"],
        system_prompt="You help with sums. Use your tools. Save a note only when you are asked to.",
        tools=[calculator["component_as_tool"], notes["component_as_tool"]],
    )
    flow.add("ChatOutput", "ChatOutput-Oz1mE", input_value=agent["response"])
    return flow


EXAMPLES = (echo, router, answer, assistant, refund_approval, two_approvals, expense_form)


def write(folder: Path) -> None:
    """Writes every example as a file of its own."""
    for example in EXAMPLES:
        example().save(folder / f"{example.__name__}.json")


def _example(name: str, id: str, description: str, *tags: str) -> Flow:
    endpoint = f"example-{name.lower().replace(' ', '_')}"
    return Flow(name, id=id, description=description, endpoint_name=endpoint, tags=["example", *tags])


if __name__ == "__main__":
    write(Path(__file__).parent)
