# 漏えいしたパスワード、データのエクスポートと削除

field-password-breached = このパスワードは過去に漏えいしたもので、第三者に試されるおそれがあります。別のパスワードを選んでください。
data-title = あなたのデータ
data-back = アカウントに戻る
data-export = データをダウンロード
data-export-text = プロフィール、サインイン方法、セッション、送信したメール、セキュリティの記録など、あなたについて保存しているすべての情報をJSONファイルで受け取れます。パスワード、鍵、コードは含まれません。
data-export-submit = ダウンロード
data-delete = アカウントを削除
data-delete-text = 7日以内であれば取り消せます。サインインして、アカウントを残すことを選んでください。削除すると、次のようになります。
data-delete-sessions = ほかのすべての端末からは今すぐ、この端末からは7日後にサインアウトします。
data-delete-all = 7日後に、プロフィール、メールアドレス、サインイン方法、セッションなど、あなたに関するすべてのデータを削除します。元に戻すことはできません。
data-delete-log = セキュリティの記録は、名前とメールアドレスを含まない形で、保存期間が終わるまで残ります。
data-pending-label = アカウントの削除
data-pending = このアカウントは次の日時に削除されます：
data-keep = アカウントを残す
event-data_exported = データのエクスポート
event-account_deletion_requested = アカウントの削除を申請
event-account_deletion_cancelled = アカウントの削除を取り消し
